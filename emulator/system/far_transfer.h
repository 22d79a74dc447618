// SPDX-License-Identifier: GPL-2.0-only
// Far control transfers (SDM 2A CALL, JMP; 2B RET, IRET; 3A 5.8). They change sys.cpu; RIP there is the address of
// the next instruction when they begin.
#pragma once

#include "emulator/system/descriptor.h"

namespace ring1::emulator {

// operand_size: 2 or 4 bytes.
[[nodiscard]] Outcome far_jump(Sys& sys, uint16_t selector, uint32_t offset, unsigned operand_size);
[[nodiscard]] Outcome far_call(Sys& sys, uint16_t selector, uint32_t offset, unsigned operand_size);
[[nodiscard]] Outcome far_return(Sys& sys, unsigned operand_size, uint16_t parameter_bytes);
[[nodiscard]] Outcome interrupt_return(Sys& sys, unsigned operand_size);

// SYSENTER, SYSEXIT (SDM 2B): segments are made up, no descriptor is read.
[[nodiscard]] Outcome sysenter(Sys& sys);
[[nodiscard]] Outcome sysexit(Sys& sys);

// Shared by the transfers and the delivery of events.

// Puts a checked code segment into CS with CPL in the selector, marks it accessed and sets RIP.
// An offset beyond the limit is #GP(0).
[[nodiscard]] Outcome enter_code_segment(Sys& sys, uint16_t selector, unsigned cpl, Descriptor* code, uint32_t eip);

// Finds the stack of an inner level in the current TSS (SDM 3A 5.8.5), checks it, and gives its segment.
[[nodiscard]] Outcome inner_stack(Sys& sys, unsigned cpl, ring1_segment* stack, __u64* sp);

}  // namespace ring1::emulator
