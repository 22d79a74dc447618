// SPDX-License-Identifier: GPL-2.0-only
// Mnemonics that ordinary and system instructions share: the operands tell which it is.
#include "emulator/handlers.h"
#include "emulator/system/handlers.h"

namespace ring1::emulator {
namespace {

ZydisRegister register_of(const Context& c, unsigned index) {
  const ZydisDecodedOperand& operand = c.operands[index];
  return operand.type == ZYDIS_OPERAND_TYPE_REGISTER ? operand.reg.value : ZYDIS_REGISTER_NONE;
}

constexpr bool is_segment(ZydisRegister reg) { return reg >= ZYDIS_REGISTER_ES && reg <= ZYDIS_REGISTER_GS; }
constexpr bool is_control(ZydisRegister reg) { return reg >= ZYDIS_REGISTER_CR0 && reg <= ZYDIS_REGISTER_CR15; }
constexpr bool is_debug(ZydisRegister reg) { return reg >= ZYDIS_REGISTER_DR0 && reg <= ZYDIS_REGISTER_DR15; }

bool is_far(const Context& c) { return c.instruction->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR; }

// What reads descriptors is known as it was before long mode only.
Outcome legacy_only(Context& c, Handler handler) { return c.long_mode() ? Outcome::kUnsupported : handler(c); }

}  // namespace

Outcome any_mov(Context& c) {
  const ZydisRegister to = register_of(c, 0), from = register_of(c, 1);
  if (to < ZYDIS_REGISTER_ES && from < ZYDIS_REGISTER_ES) return op_mov(c);
  if (is_segment(to)) return legacy_only(c, op_mov_sreg);
  if (is_segment(from)) return op_mov_sreg(c);
  if (is_control(to) || is_control(from)) return op_mov_cr(c);
  if (is_debug(to) || is_debug(from)) return op_mov_dr(c);
  return c.raise(Vector::kUd);  // test registers of the 386 and 486
}

Outcome any_push(Context& c) { return is_segment(register_of(c, 0)) ? op_push_sreg(c) : op_push(c); }
Outcome any_pop(Context& c) { return is_segment(register_of(c, 0)) ? legacy_only(c, op_pop_sreg) : op_pop(c); }
Outcome any_jmp(Context& c) { return is_far(c) ? legacy_only(c, op_jmp_far) : op_jmp(c); }
Outcome any_call(Context& c) { return is_far(c) ? legacy_only(c, op_call_far) : op_call(c); }
Outcome any_ret(Context& c) { return is_far(c) ? legacy_only(c, op_ret_far) : op_ret(c); }

}  // namespace ring1::emulator
