// SPDX-License-Identifier: GPL-2.0-only
// MUL IMUL DIV IDIV.
#include "emulator/alu.h"
#include "emulator/flags.h"
#include "emulator/handlers.h"

namespace ring1::emulator {
namespace {

using Wide = unsigned __int128;
using SignedWide = __int128;

// The accumulator pair of a size: AX, DX:AX, EDX:EAX or RDX:RAX.
Wide read_pair(const Context& c, unsigned size) {
  if (size == 1) return c.read_gpr(kRax, 2);
  return Wide{c.read_gpr(kRdx, size)} << (8 * size) | c.read_gpr(kRax, size);
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

struct Quotient {
  uint64_t quotient, remainder;
};

// Bit by bit, as the compiler would call a library. The quotient fits: the upper half is less than the divisor.
Quotient divide(Wide dividend, uint64_t divisor) {
  uint64_t remainder = static_cast<uint64_t>(dividend >> 64), quotient = 0;
  if (remainder == 0) return {static_cast<uint64_t>(dividend) / divisor, static_cast<uint64_t>(dividend) % divisor};
  for (unsigned bit = 64; bit-- > 0;) {
    const bool carry = remainder >> 63;
    remainder = remainder << 1 | (static_cast<uint64_t>(dividend) >> bit & 1);
    quotient <<= 1;
    if (carry || remainder >= divisor) remainder -= divisor, quotient |= 1;
  }
  return {quotient, remainder};
}

}  // namespace

Outcome op_mul(Context& c) {
  uint64_t factor;
  if (!c.read_operand(0, &factor)) return c.failure;
  const unsigned size = c.size_of(0);
  const Wide product = Wide{factor} * (c.cpu.gpr[kRax] & size_mask(size));
  const auto high = static_cast<uint64_t>(product >> (8 * size));
  write_pair(c, size, static_cast<uint64_t>(product), high);
  set_overflow(c, high != 0);
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
  const SignedWide product = SignedWide{sign_extend(a, size)} * sign_extend(b, size);
  const auto low = static_cast<uint64_t>(product);
  if (visible == 1) {
    write_pair(c, size, low, static_cast<uint64_t>(product >> (8 * size)));
  } else if (!c.write_operand(0, low)) {
    return c.failure;
  }
  set_overflow(c, product != sign_extend(low, size));
  return Outcome::kDone;
}

Outcome op_div(Context& c) {
  uint64_t divisor;
  if (!c.read_operand(0, &divisor)) return c.failure;
  const unsigned size = c.size_of(0);
  const Wide dividend = read_pair(c, size);
  // Too large a quotient: the upper half is no less than the divisor.
  if (divisor <= static_cast<uint64_t>(dividend >> (8 * size))) return c.raise(Vector::kDe);
  const Quotient result = divide(dividend, divisor);
  write_pair(c, size, result.quotient, result.remainder);
  return Outcome::kDone;
}

Outcome op_idiv(Context& c) {
  uint64_t operand;
  if (!c.read_operand(0, &operand)) return c.failure;
  const unsigned size = c.size_of(0), unused = 128 - 16 * size;
  const int64_t divisor = sign_extend(operand, size);
  const SignedWide dividend = static_cast<SignedWide>(read_pair(c, size) << unused) >> unused;
  // Of the magnitudes, so that no division can overflow.
  const uint64_t by = divisor < 0 ? 0 - static_cast<uint64_t>(divisor) : static_cast<uint64_t>(divisor);
  const Wide magnitude = dividend < 0 ? 0 - static_cast<Wide>(dividend) : static_cast<Wide>(dividend);
  if (by <= static_cast<uint64_t>(magnitude >> (8 * size))) return c.raise(Vector::kDe);
  const Quotient result = divide(magnitude, by);
  const bool negative = (divisor < 0) != (dividend < 0);
  // One more fits below zero than above.
  if (result.quotient > sign_bit(size) - (negative ? 0 : 1)) return c.raise(Vector::kDe);
  write_pair(c, size, negative ? 0 - result.quotient : result.quotient,
             dividend < 0 ? 0 - result.remainder : result.remainder);
  return Outcome::kDone;
}

}  // namespace ring1::emulator
