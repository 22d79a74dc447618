// SPDX-License-Identifier: GPL-2.0-only
// ring1_cpu_state to and from the state area of a VMCB. RAX and RSP live in the VMCB too, the other general registers
// never do. CR0, CR3, CR4, EFER and the ASID's business are the caller's where shadow paging lies between.
#pragma once

#include "hwaccel/svm/vmcb.h"
#include "include/ring1/cpu_state.h"

namespace ring1::hwaccel::svm {

// What changes with every instruction: RIP, RFLAGS, RSP, RAX, CR2.
void store_volatile(const ring1_cpu_state& cpu, VmcbState* state);
void load_volatile(const VmcbState& state, ring1_cpu_state* cpu);

// Segments, descriptor tables and the registers that VMLOAD and VMSAVE exchange. `available_tss`: TR's type is given as
// an available TSS, which an emulated processor wants; on silicon it is busy.
void store_segments(const ring1_cpu_state& cpu, bool available_tss, VmcbState* state);
void load_segments(const VmcbState& state, ring1_cpu_state* cpu);

}  // namespace ring1::hwaccel::svm
