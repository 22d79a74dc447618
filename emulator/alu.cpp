// SPDX-License-Identifier: GPL-2.0-only
// ADD ADC SUB SBB CMP AND OR XOR TEST INC DEC NEG NOT.
#include "emulator/alu.h"

#include "emulator/flags.h"
#include "emulator/handlers.h"

namespace ring1::emulator {
namespace {

using Binary = Value (*)(uint64_t a, uint64_t b, unsigned carry, unsigned size);

Value and_(uint64_t a, uint64_t b, unsigned, unsigned size) { return logic(a & b, size); }
Value or_(uint64_t a, uint64_t b, unsigned, unsigned size) { return logic(a | b, size); }
Value xor_(uint64_t a, uint64_t b, unsigned, unsigned size) { return logic(a ^ b, size); }
Value add_(uint64_t a, uint64_t b, unsigned, unsigned size) { return add(a, b, 0, size); }
Value sub_(uint64_t a, uint64_t b, unsigned, unsigned size) { return subtract(a, b, 0, size); }

template <Binary kOperation>
Outcome update(Context& c) {
  uint64_t a, b;
  if (!c.read_operand(1, &b) || !c.read_for_write(0, &a)) return c.failure;
  const Value result = kOperation(a, b, flag(c, eflags::kCf), c.size_of(0));
  if (!c.write_operand(0, result.value)) return c.failure;
  set_flags(c, result.flags);
  return Outcome::kDone;
}

template <Binary kOperation>
Outcome compare(Context& c) {
  uint64_t a, b;
  if (!c.read_operand(1, &b) || !c.read_operand(0, &a)) return c.failure;
  set_flags(c, kOperation(a, b, 0, c.size_of(0)).flags);
  return Outcome::kDone;
}

// INC and DEC leave CF alone.
template <Binary kOperation>
Outcome step_by_one(Context& c) {
  uint64_t a;
  if (!c.read_for_write(0, &a)) return c.failure;
  const Value result = kOperation(a, 1, 0, c.size_of(0));
  if (!c.write_operand(0, result.value)) return c.failure;
  set_flags(c, result.flags, eflags::kArithmetic & ~eflags::kCf);
  return Outcome::kDone;
}

}  // namespace

Outcome op_add(Context& c) { return update<add_>(c); }
Outcome op_adc(Context& c) { return update<add>(c); }
Outcome op_sub(Context& c) { return update<sub_>(c); }
Outcome op_sbb(Context& c) { return update<subtract>(c); }
Outcome op_and(Context& c) { return update<and_>(c); }
Outcome op_or(Context& c) { return update<or_>(c); }
Outcome op_xor(Context& c) { return update<xor_>(c); }
Outcome op_cmp(Context& c) { return compare<sub_>(c); }
Outcome op_test(Context& c) { return compare<and_>(c); }
Outcome op_inc(Context& c) { return step_by_one<add_>(c); }
Outcome op_dec(Context& c) { return step_by_one<sub_>(c); }

Outcome op_neg(Context& c) {
  uint64_t a;
  if (!c.read_for_write(0, &a)) return c.failure;
  const Value result = subtract(0, a, 0, c.size_of(0));
  if (!c.write_operand(0, result.value)) return c.failure;
  set_flags(c, result.flags);
  return Outcome::kDone;
}

Outcome op_not(Context& c) {
  uint64_t a;
  if (!c.read_for_write(0, &a) || !c.write_operand(0, ~a)) return c.failure;
  return Outcome::kDone;
}

}  // namespace ring1::emulator
