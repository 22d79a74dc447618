// SPDX-License-Identifier: GPL-2.0-only
// MUL IMUL DIV IDIV.
#include "emulator/alu.h"
#include "emulator/flags.h"
#include "emulator/handlers.h"

namespace ring1::emulator {
namespace {

// The accumulator pair of a size: AX, DX:AX or EDX:EAX.
uint64_t read_pair(const Context& c, unsigned size) {
  if (size == 1) return c.read_gpr(kRax, 2);
  return c.read_gpr(kRdx, size) << (8 * size) | c.read_gpr(kRax, size);
}

void write_pair(Context& c, unsigned size, uint64_t low, uint64_t high) {
  if (size == 1) {
    c.write_gpr(kRax, 2, (low & 0xff) | (high & 0xff) << 8);
  } else {
    c.write_gpr(kRax, size, low);
    c.write_gpr(kRdx, size, high);
  }
}

// CF and OF say that the upper half holds something; the others are undefined and stay.
void set_overflow(Context& c, bool overflow) {
  constexpr uint32_t kBoth = eflags::kCf | eflags::kOf;
  set_flags(c, overflow ? kBoth : 0, kBoth);
}

}  // namespace

Outcome op_mul(Context& c) {
  uint64_t factor;
  if (!c.read_operand(0, &factor)) return c.failure;
  const unsigned size = c.size_of(0);
  const uint64_t product = factor * (c.cpu.gpr[kRax] & size_mask(size));
  write_pair(c, size, product, product >> (8 * size));
  set_overflow(c, product > size_mask(size));
  return Outcome::kDone;
}

Outcome op_imul(Context& c) {
  const unsigned size = c.size_of(0), visible = c.instruction->operand_count_visible;
  uint64_t a, b;
  if (!c.read_operand(visible == 1 ? 0 : 1, &a)) return c.failure;
  if (visible == 1) {
    b = c.cpu.gpr[kRax];
  } else if (!c.read_operand(visible == 2 ? 0 : 2, &b)) {
    return c.failure;
  }
  const int64_t product = sign_extend(a, size) * sign_extend(b, size);
  if (visible == 1) {
    write_pair(c, size, product, product >> (8 * size));
  } else if (!c.write_operand(0, product)) {
    return c.failure;
  }
  set_overflow(c, product != sign_extend(product, size));
  return Outcome::kDone;
}

Outcome op_div(Context& c) {
  uint64_t divisor;
  if (!c.read_operand(0, &divisor)) return c.failure;
  const unsigned size = c.size_of(0);
  const uint64_t dividend = read_pair(c, size);
  if (divisor == 0 || dividend / divisor > size_mask(size)) return c.raise(Vector::kDe);
  write_pair(c, size, dividend / divisor, dividend % divisor);
  return Outcome::kDone;
}

Outcome op_idiv(Context& c) {
  uint64_t operand;
  if (!c.read_operand(0, &operand)) return c.failure;
  const unsigned size = c.size_of(0), unused = 64 - 16 * size;
  const int64_t divisor = sign_extend(operand, size);
  const int64_t dividend = static_cast<int64_t>(read_pair(c, size) << unused) >> unused;
  if (divisor == 0) return c.raise(Vector::kDe);
  // The one quotient that C++ cannot form; it never fits either.
  if (divisor == -1 && dividend == INT64_MIN) return c.raise(Vector::kDe);
  const int64_t quotient = dividend / divisor;
  if (quotient != sign_extend(quotient, size)) return c.raise(Vector::kDe);
  write_pair(c, size, quotient, dividend % divisor);
  return Outcome::kDone;
}

}  // namespace ring1::emulator
