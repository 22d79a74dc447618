// SPDX-License-Identifier: GPL-2.0-only
// What becomes of a page fault of the guest, and why a page is traced.
#pragma once

#include <cstdint>

#include "base/address.h"
#include "x86/fault.h"

namespace ring1::shadowmmu {

enum class FaultKind : uint8_t {
  kHidden,  // the shadow was filled or corrected: retry
  kGuest,   // deliver *fault
  kDevice,  // no RAM there: emulate the instruction
  kTraced,  // a write to a traced page or read-only slot: emulate the instruction (then guest_wrote())
  kHole,    // the guest has a mapping under the hole and touched it
  kBlocked,
};

struct FaultResult {
  FaultKind kind;
  Fault fault{};
  Gpa gpa;
};

// Why writes to a guest page are traced; a set of bits per page. The MMU itself sets the first three.
enum TraceReason : uint8_t {
  kTracePageTable = 1,   // it is shadowed
  kTraceHole = 2,        // it covers the hole without mapping anything there
  kTraceDependency = 4,  // translations depend on entries in it, see ShadowMmu::depend()
  kTraceCode = 8,
  kTraceDescriptorTable = 16,
};

}  // namespace ring1::shadowmmu
