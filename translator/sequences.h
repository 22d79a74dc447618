// SPDX-License-Identifier: GPL-2.0-only
// What is emitted for each treatment. Nothing here touches the arithmetic flags.
#pragma once

#include "translator/emitter.h"

namespace ring1::translator {

// Prologue of each unit: the indirect entry checks the target at the stack's top, the call entry drops the
// hardware return address. Fills in the three entry offsets.
void emit_entries(Emitter& e, Translation* out);

void emit_jump(Emitter& e, const Instruction& i);
void emit_conditional(Emitter& e, const Instruction& i);
void emit_loop(Emitter& e, const Instruction& i);
void emit_call(Emitter& e, const Instruction& i);
void emit_return(Emitter& e, const Instruction& i);
void emit_push_eip(Emitter& e, const Instruction& i);

void emit_clear_if(Emitter& e, const Instruction& i);
void emit_set_if(Emitter& e, const Instruction& i);
void emit_push_flags(Emitter& e, const Instruction& i);
void emit_pop_flags(Emitter& e, const Instruction& i);
void emit_read_segment(Emitter& e, const Instruction& i);
void emit_push_segment(Emitter& e, const Instruction& i);

void emit_callout(Emitter& e, const Instruction& i);

// Copies an instruction, for 16-bit code with its size prefixes toggled.
void emit_ident(Emitter& e, const Instruction& i);
// Can a 16-bit segment's instruction be said in a 32-bit one by toggling prefixes?
[[nodiscard]] bool can_reencode(const Instruction& i);

}  // namespace ring1::translator
