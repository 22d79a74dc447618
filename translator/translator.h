// SPDX-License-Identifier: GPL-2.0-only
// Guest machine code in, ring-1 machine code out. Plain: no privilege, no state, no allocation.
#pragma once

#include "base/address.h"
#include "translator/translation.h"

namespace ring1::translator {

struct Source {
  uint32_t eip;          // guest EIP of the first instruction (offset in CS)
  const uint8_t* bytes;  // guest code at CS.base + eip; a copy, at most kMaxGuestBytes
  unsigned available;    // readable bytes there: the unit ends before an instruction that does not fit
  unsigned max_instructions = 24;
};

inline constexpr unsigned kMaxGuestBytes = 256;

enum class Outcome : uint8_t {
  kOk,
  kNeedMoreBytes,  // not even the first instruction is complete in `available`
};

// An undefined first instruction is not an error: it becomes an emulate callout, and the emulator raises #UD.
[[nodiscard]] Outcome translate(const Source& source, const Mode& mode, Translation* out);

}  // namespace ring1::translator
