// SPDX-License-Identifier: GPL-2.0-only
// What far RET and IRET have in common.
#pragma once

#include "emulator/system/stack.h"

namespace ring1::emulator {

// The code segment a return goes to: of this level or an outer one.
[[nodiscard]] Outcome check_return_code(Sys& sys, uint16_t selector, Descriptor* code);

struct OuterTarget {
  uint16_t cs, ss;
  uint32_t eip, sp;
  Descriptor code;
};

// Loads CS, SS, ESP of the outer level and drops the segments it may not use.
[[nodiscard]] Outcome enter_outer_level(Sys& sys, OuterTarget& target, unsigned operand_size);

}  // namespace ring1::emulator
