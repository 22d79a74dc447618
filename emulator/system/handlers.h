// SPDX-License-Identifier: GPL-2.0-only
// The handlers of segment, control-transfer and system instructions, by family. Several share a mnemonic with an
// ordinary instruction; the comment says what tells them apart.
#pragma once

#include "emulator/context.h"

namespace ring1::emulator {

// segment_ops.cpp
Outcome op_mov_sreg(Context&);   // MOV, one operand is a segment register
Outcome op_push_sreg(Context&);  // PUSH, the operand is a segment register
Outcome op_pop_sreg(Context&);   // POP, the operand is a segment register
Outcome op_load_far(Context&);   // LDS LES LFS LGS LSS

// far_ops.cpp
Outcome op_jmp_far(Context&);   // JMP with meta.branch_type FAR
Outcome op_call_far(Context&);  // CALL with meta.branch_type FAR
Outcome op_ret_far(Context&);   // RET with meta.branch_type FAR
Outcome op_iret(Context&);      // IRET, IRETD
Outcome op_sysenter(Context&), op_sysexit(Context&);

// table_ops.cpp
Outcome op_lgdt(Context&), op_lidt(Context&), op_sgdt(Context&), op_sidt(Context&);
Outcome op_lldt(Context&), op_ltr(Context&), op_sldt(Context&), op_str(Context&);

// control_ops.cpp, debug_ops.cpp
Outcome op_mov_cr(Context&);  // MOV, one operand is a control register
Outcome op_mov_dr(Context&);  // MOV, one operand is a debug register
Outcome op_lmsw(Context&), op_smsw(Context&), op_clts(Context&);

// system_ops.cpp
Outcome op_rdmsr(Context&), op_wrmsr(Context&);
Outcome op_invlpg(Context&), op_invd(Context&), op_wbinvd(Context&);

// query_ops.cpp
Outcome op_lar(Context&), op_lsl(Context&), op_verr(Context&), op_verw(Context&), op_arpl(Context&);

// Delivers INT n, INT3, INTO from inside their handler: c's RIP is the return address; a fault on the way
// (gate not there, wrong DPL) is left in *c.fault with outcome kFault, as of the instruction itself.
// The caller has done the IOPL check of virtual-8086 mode for INT n.
Outcome software_interrupt(Context& c, uint8_t vector);

}  // namespace ring1::emulator
