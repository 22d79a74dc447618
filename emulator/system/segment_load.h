// SPDX-License-Identifier: GPL-2.0-only
// Loading segment registers (SDM 2A MOV, SDM 3A 5.5-5.7; real mode SDM 3B 20.1.1).
#pragma once

#include "emulator/system/descriptor.h"

namespace ring1::emulator {

inline constexpr SegmentRegister kDataSegments[] = {kDs, kEs, kFs, kGs};

// DS, ES, FS, GS, SS by MOV, POP, LxS in the current mode.
[[nodiscard]] Outcome load_segment(Sys& sys, SegmentRegister which, uint16_t selector);

// Protected mode, DS ES FS GS. `invalid` is #GP, or #TS during a task switch.
[[nodiscard]] Outcome load_data_segment(Sys& sys, SegmentRegister which, uint16_t selector, Vector invalid);

// Checks SS for a given CPL without loading it: for stacks of another privilege level. A null selector raises
// `invalid` with error code 0.
[[nodiscard]] Outcome check_stack_segment(Sys& sys, uint16_t selector, unsigned cpl, Vector invalid,
                                          Descriptor* descriptor);
[[nodiscard]] Outcome load_stack_segment(Sys& sys, uint16_t selector, unsigned cpl, Vector invalid);

// Real mode: base follows the selector, limit and attributes stay as they are ("unreal" mode).
void load_real_segment(ring1_cpu_state& cpu, SegmentRegister which, uint16_t selector);
// Virtual-8086 mode: everything follows the selector (SDM 3B 20.2.1).
void load_vm86_segment(ring1_cpu_state& cpu, SegmentRegister which, uint16_t selector);

// On a return to an outer level: what CPL may not use becomes null (SDM 2A RET).
void drop_inner_segments(ring1_cpu_state& cpu, unsigned cpl);

}  // namespace ring1::emulator
