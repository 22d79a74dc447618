// SPDX-License-Identifier: GPL-2.0-only
// Near JMP CALL RET, Jcc LOOPcc JCXZ, BOUND.
#include "emulator/alu.h"
#include "emulator/flags.h"
#include "emulator/handlers.h"

namespace ring1::emulator {
namespace {

// A relative target counts from the next instruction; a register or memory operand holds the target itself.
bool target_of(Context& c, uint64_t* target) {
  uint64_t value;
  if (!c.read_operand(0, &value)) return false;
  const bool relative = c.operands[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
  *target = value + (relative ? c.next_rip() : 0);
  return true;
}

Outcome jump_if(Context& c, bool taken) {
  uint64_t target;
  if (taken && (!target_of(c, &target) || !c.jump(target, c.operand_size()))) return c.failure;
  return Outcome::kDone;
}

// LOOP counts in CX or ECX by the address size and touches no flags.
Outcome loop_if(Context& c, bool holds) {
  const unsigned size = c.address_size();
  const uint64_t count = (c.read_gpr(kRcx, size) - 1) & size_mask(size);
  c.write_gpr(kRcx, size, count);
  return jump_if(c, count != 0 && holds);
}

}  // namespace

Outcome op_jmp(Context& c) { return jump_if(c, true); }
Outcome op_jcc(Context& c) { return jump_if(c, condition(c, c.instruction->opcode)); }
Outcome op_loop(Context& c) { return loop_if(c, true); }
Outcome op_loope(Context& c) { return loop_if(c, flag(c, eflags::kZf)); }
Outcome op_loopne(Context& c) { return loop_if(c, !flag(c, eflags::kZf)); }
Outcome op_jcxz(Context& c) { return jump_if(c, c.read_gpr(kRcx, c.address_size()) == 0); }

Outcome op_call(Context& c) {
  const uint64_t next = c.next_rip();
  uint64_t target;
  if (!target_of(c, &target) || !c.jump(target, c.operand_size()) || !c.push(next, c.operand_size())) return c.failure;
  return Outcome::kDone;
}

Outcome op_ret(Context& c) {
  uint64_t target;
  if (!c.pop(&target, c.operand_size()) || !c.jump(target, c.operand_size())) return c.failure;
  if (c.instruction->operand_count_visible)
    c.set_stack_pointer(c.stack_pointer() + static_cast<uint16_t>(c.immediate(0)));
  return Outcome::kDone;
}

// The bounds lie side by side in memory, signed, of the operand's size.
Outcome op_bound(Context& c) {
  const unsigned size = c.operand_size();
  uint32_t lower = 0, upper = 0;
  const uint64_t offset = c.offset_of(1), second = c.wrap(offset + size);
  if (!c.read_memory(c.segment_of(1), offset, &lower, size)) return c.failure;
  if (!c.read_memory(c.segment_of(1), second, &upper, size)) return c.failure;
  const int64_t index = sign_extend(c.read_register(c.operands[0].reg.value), size);
  if (index < sign_extend(lower, size) || index > sign_extend(upper, size)) return c.raise(Vector::kBr);
  return Outcome::kDone;
}

}  // namespace ring1::emulator
