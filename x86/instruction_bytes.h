// SPDX-License-Identifier: GPL-2.0-only
// The bytes of an instruction that nobody needs to fetch any more, because the processor has told them.
#pragma once

#include <cstdint>

namespace ring1 {

struct InstructionBytes {
  static constexpr unsigned kMax = 15;  // APM 1 3.3.1, SDM 2A 2.3.11

  uint8_t count = 0;   // how many are known, perhaps less than the instruction has; 0: none
  uint8_t length = 0;  // how far the next instruction lies behind this one; 0: as far as the bytes say
  uint8_t bytes[kMax] = {};
};

}  // namespace ring1
