// SPDX-License-Identifier: GPL-2.0-only
// MOV (general operands) MOVNTI MOVZX MOVSX MOVSXD MOVBE LEA XCHG XLAT SETcc CMOVcc CBW CWDE CDQE CWD CDQ CQO.
#include "emulator/alu.h"
#include "emulator/flags.h"
#include "emulator/handlers.h"

namespace ring1::emulator {

namespace {

uint64_t extended(uint64_t value, unsigned size) { return static_cast<uint64_t>(sign_extend(value, size)); }

}  // namespace

Outcome op_mov(Context& c) {
  uint64_t value;
  if (!c.read_operand(1, &value) || !c.write_operand(0, value)) return c.failure;
  return Outcome::kDone;
}

Outcome op_movzx(Context& c) { return op_mov(c); }

Outcome op_movsx(Context& c) {
  uint64_t value;
  if (!c.read_operand(1, &value)) return c.failure;
  return c.write_operand(0, extended(value, c.size_of(1))) ? Outcome::kDone : c.failure;
}

Outcome op_movbe(Context& c) {
  uint64_t value;
  if (!c.read_operand(1, &value)) return c.failure;
  const uint64_t swapped = __builtin_bswap64(value) >> (64 - 8 * c.size_of(0));
  return c.write_operand(0, swapped) ? Outcome::kDone : c.failure;
}

Outcome op_lea(Context& c) {
  c.write_register(c.operands[0].reg.value, c.offset_of(1));
  return Outcome::kDone;
}

Outcome op_xchg(Context& c) {
  uint64_t a, b;
  // The memory operand may be either one; its address must not depend on a register already exchanged.
  const unsigned first = c.has_memory(1) ? 1 : 0, second = 1 - first;
  if (!c.read_operand(second, &b) || !c.read_for_write(first, &a)) return c.failure;
  if (!c.write_operand(first, b) || !c.write_operand(second, a)) return c.failure;
  return Outcome::kDone;
}

Outcome op_xlat(Context& c) {
  const uint64_t offset = c.wrap(c.cpu.gpr[kRbx] + static_cast<uint8_t>(c.cpu.gpr[kRax]));
  uint8_t value;
  if (!c.read_memory(c.source_segment(), offset, &value, 1)) return c.failure;
  c.write_register(ZYDIS_REGISTER_AL, value);
  return Outcome::kDone;
}

Outcome op_setcc(Context& c) {
  return c.write_operand(0, condition(c, c.instruction->opcode)) ? Outcome::kDone : c.failure;
}

// The source is read in any case, and may fault; the upper half of a 32-bit destination is cleared in any case.
Outcome op_cmovcc(Context& c) {
  uint64_t value;
  if (!c.read_operand(1, &value)) return c.failure;
  const ZydisRegister to = c.operands[0].reg.value;
  c.write_register(to, condition(c, c.instruction->opcode) ? value : c.read_register(to));
  return Outcome::kDone;
}

Outcome op_cbw(Context& c) {
  c.write_gpr(kRax, 2, extended(c.cpu.gpr[kRax], 1));
  return Outcome::kDone;
}

Outcome op_cwde(Context& c) {
  c.write_gpr(kRax, 4, extended(c.cpu.gpr[kRax], 2));
  return Outcome::kDone;
}

Outcome op_cdqe(Context& c) {
  c.write_gpr(kRax, 8, extended(c.cpu.gpr[kRax], 4));
  return Outcome::kDone;
}

Outcome op_cwd(Context& c) {
  c.write_gpr(kRdx, 2, c.cpu.gpr[kRax] & sign_bit(2) ? size_mask(2) : 0);
  return Outcome::kDone;
}

Outcome op_cdq(Context& c) {
  c.write_gpr(kRdx, 4, c.cpu.gpr[kRax] & sign_bit(4) ? size_mask(4) : 0);
  return Outcome::kDone;
}

Outcome op_cqo(Context& c) {
  c.write_gpr(kRdx, 8, c.cpu.gpr[kRax] & sign_bit(8) ? size_mask(8) : 0);
  return Outcome::kDone;
}

}  // namespace ring1::emulator
