// SPDX-License-Identifier: GPL-2.0-only
// PUSH POP (general operands, PUSH of segment registers) PUSHA POPA ENTER LEAVE.
#include "emulator/handlers.h"

namespace ring1::emulator {

Outcome op_push(Context& c) {
  uint64_t value;
  if (!c.read_operand(0, &value) || !c.push(value, c.operand_size())) return c.failure;
  return Outcome::kDone;
}

// ESP has moved before a memory operand's address is formed, and before POP ESP overwrites it (SDM 2B, POP).
Outcome op_pop(Context& c) {
  uint64_t value;
  if (!c.pop(&value, c.operand_size()) || !c.write_operand(0, value)) return c.failure;
  return Outcome::kDone;
}

Outcome op_pusha(Context& c) {
  const unsigned size = c.operand_size();
  const uint64_t old_sp = c.cpu.gpr[kRsp];
  for (unsigned i = 1; i <= 8; ++i) {
    Gva address;
    const uint64_t slot = (c.stack_pointer() - i * size) & c.stack_mask();
    if (!c.linear(kSs, slot, size, Access::kWrite, &address) || !c.probe_linear(address, size)) return c.failure;
  }
  for (unsigned i = 0; i < 8; ++i)
    if (!c.push(i == kRsp ? old_sp : c.cpu.gpr[i], size)) return c.failure;
  return Outcome::kDone;
}

Outcome op_popa(Context& c) {
  const unsigned size = c.operand_size();
  for (unsigned i = 8; i-- > 0;) {
    uint64_t value;
    if (!c.pop(&value, size)) return c.failure;
    if (i != kRsp) c.write_gpr(i, size, value);
  }
  return Outcome::kDone;
}

// SDM 2A, ENTER: a frame of a procedure nested `level` deep copies the display of the frames around it.
Outcome op_enter(Context& c) {
  const unsigned size = c.operand_size(), level = c.immediate(1) & 31;
  if (!c.push(c.cpu.gpr[kRbp], size)) return c.failure;
  const uint64_t frame = c.cpu.gpr[kRsp];
  for (unsigned i = 1; i < level; ++i) {
    uint64_t pointer = 0;
    const uint64_t slot = (c.cpu.gpr[kRbp] - i * size) & c.stack_mask();
    if (!c.read_memory(kSs, slot, &pointer, size) || !c.push(pointer, size)) return c.failure;
  }
  if (level && !c.push(frame, size)) return c.failure;
  c.write_gpr(kRbp, size, frame);
  c.set_stack_pointer(c.stack_pointer() - static_cast<uint16_t>(c.immediate(0)));
  // The new stack top must be writable, although nothing is written there yet.
  Gva address;
  if (!c.linear(kSs, c.stack_pointer(), size, Access::kWrite, &address) || !c.probe_linear(address, size))
    return c.failure;
  return Outcome::kDone;
}

Outcome op_leave(Context& c) {
  c.set_stack_pointer(c.cpu.gpr[kRbp]);
  uint64_t value;
  if (!c.pop(&value, c.operand_size())) return c.failure;
  c.write_gpr(kRbp, c.operand_size(), value);
  return Outcome::kDone;
}

}  // namespace ring1::emulator
