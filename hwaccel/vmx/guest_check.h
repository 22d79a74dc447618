// SPDX-License-Identifier: GPL-2.0-only
// Would a VM entry accept this state? The processor is stricter on entry than it is while it runs (SDM 3C 27.3.1), so
// states exist, between two instructions of a mode switch for one, that only the emulator can go on from.
#pragma once

#include <cstdint>

#include "include/ring1/cpu_state.h"

namespace ring1::hwaccel::vmx {

enum class Refusal : uint8_t {
  kNone,
  kRealMode,
  kVm86Segment,
  kCodeSegment,
  kStackSegment,
  kDataSegment,
  kLdtr,
  kRip,
  kFlags,
};
const char* name_of(Refusal refusal);

// `unrestricted`: the processor runs real mode and unpaged protected mode, too. TR is no reason to refuse: see
// tr_for_entry().
Refusal check_guest(const ring1_cpu_state& cpu, bool unrestricted);

// A busy TSS, which an entry insists on (27.3.1.2), whatever the guest has.
ring1_segment tr_for_entry(const ring1_cpu_state& cpu);

}  // namespace ring1::hwaccel::vmx
