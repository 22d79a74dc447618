// SPDX-License-Identifier: GPL-2.0-only
// ROL ROR RCL RCR SHL SHR SAR SHLD SHRD.
#include "emulator/shift.h"

#include "emulator/flags.h"
#include "emulator/handlers.h"

namespace ring1::emulator {
namespace {

using Wide = unsigned __int128;

constexpr uint32_t kRotateFlags = eflags::kCf | eflags::kOf;

// CF is the top bit that left; OF says that the sign changed in the last step. Both hold for any count on
// common processors although the manual defines OF for a count of 1 only.
uint32_t left_overflow(uint64_t result, bool carry, unsigned size) {
  return static_cast<bool>(result & sign_bit(size)) != carry ? eflags::kOf : 0;
}
uint32_t right_overflow(uint64_t result, unsigned size) {
  return (result ^ result << 1) & sign_bit(size) ? eflags::kOf : 0;
}

Value rotated(uint64_t result, bool carry, uint32_t overflow, uint32_t flags, unsigned size) {
  return {result & size_mask(size), (flags & ~kRotateFlags) | (carry ? eflags::kCf : 0) | overflow};
}

Value shifted(uint64_t result, bool carry, uint32_t overflow, unsigned size) {
  result &= size_mask(size);
  return {result, result_flags(result, size) | (carry ? eflags::kCf : 0) | overflow};
}

}  // namespace

Value rotate_left(uint64_t value, unsigned count, uint32_t flags, unsigned size) {
  const unsigned bits = 8 * size, n = count % bits;
  value &= size_mask(size);
  const uint64_t result = (n ? value << n | value >> (bits - n) : value) & size_mask(size);
  const bool carry = result & 1;
  return rotated(result, carry, left_overflow(result, carry, size), flags, size);
}

Value rotate_right(uint64_t value, unsigned count, uint32_t flags, unsigned size) {
  const unsigned bits = 8 * size, n = count % bits;
  value &= size_mask(size);
  const uint64_t result = (n ? value >> n | value << (bits - n) : value) & size_mask(size);
  return rotated(result, result & sign_bit(size), right_overflow(result, size), flags, size);
}

// Through CF the operand is one bit longer, so a count of a whole turn changes nothing.
Value rotate_left_carry(uint64_t value, unsigned count, uint32_t flags, unsigned size) {
  const unsigned bits = 8 * size + 1, n = count % bits;
  const Wide mask = (Wide{1} << bits) - 1;
  Wide wide = Wide{value & size_mask(size)} | Wide{flags & eflags::kCf} << (bits - 1);
  wide = (wide << n | wide >> (bits - n)) & mask;
  const bool carry = static_cast<bool>(wide >> (bits - 1));
  const auto result = static_cast<uint64_t>(wide);
  return rotated(result, carry, left_overflow(result, carry, size), flags, size);
}

Value rotate_right_carry(uint64_t value, unsigned count, uint32_t flags, unsigned size) {
  const unsigned bits = 8 * size + 1, n = count % bits;
  const Wide mask = (Wide{1} << bits) - 1;
  Wide wide = Wide{value & size_mask(size)} | Wide{flags & eflags::kCf} << (bits - 1);
  wide = (wide >> n | wide << (bits - n)) & mask;
  const auto result = static_cast<uint64_t>(wide);
  return rotated(result, static_cast<bool>(wide >> (bits - 1)), right_overflow(result, size), flags, size);
}

Value shift_left(uint64_t value, unsigned count, uint32_t, unsigned size) {
  const Wide wide = Wide{value & size_mask(size)} << count;
  const bool carry = wide >> (8 * size) & 1;
  const auto result = static_cast<uint64_t>(wide);
  return shifted(result, carry, left_overflow(result, carry, size), size);
}

Value shift_right(uint64_t value, unsigned count, uint32_t, unsigned size) {
  value &= size_mask(size);
  const uint64_t result = value >> count;
  return shifted(result, value >> (count - 1) & 1, right_overflow(result, size), size);
}

Value shift_right_signed(uint64_t value, unsigned count, uint32_t, unsigned size) {
  const int64_t wide = sign_extend(value, size);
  return shifted(static_cast<uint64_t>(wide >> count), wide >> (count - 1) & 1, 0, size);
}

// A 16-bit operand shifted by more than 16 is undefined; processors go on with the other operand, then the
// first again.
Value shift_left_double(uint64_t value, uint64_t other, unsigned count, uint32_t, unsigned size) {
  const unsigned bits = 8 * size, length = size == 2 ? 3 * bits : 2 * bits;
  Wide chain = Wide{value} << bits | other;
  if (size == 2) chain = chain << bits | value;
  const auto result = static_cast<uint64_t>(chain >> (length - bits - count));
  const bool carry = chain >> (length - count) & 1;
  return shifted(result, carry, left_overflow(result, carry, size), size);
}

Value shift_right_double(uint64_t value, uint64_t other, unsigned count, uint32_t, unsigned size) {
  const unsigned bits = 8 * size;
  Wide chain = Wide{other} << bits | value;
  if (size == 2) chain |= Wide{value} << (2 * bits);
  const auto result = static_cast<uint64_t>(chain >> count);
  return shifted(result, chain >> (count - 1) & 1, right_overflow(result, size), size);
}

namespace {

using Shift = Value (*)(uint64_t value, unsigned count, uint32_t flags, unsigned size);
using DoubleShift = Value (*)(uint64_t value, uint64_t other, unsigned count, uint32_t flags, unsigned size);

constexpr unsigned count_mask(unsigned size) { return size == 8 ? 63 : 31; }

template <Shift kShift>
Outcome shift(Context& c) {
  uint64_t value, operand;
  if (!c.read_operand(1, &operand) || !c.read_for_write(0, &value)) return c.failure;
  const unsigned count = static_cast<unsigned>(operand) & count_mask(c.size_of(0));
  Value result{value, static_cast<uint32_t>(c.cpu.rflags)};
  if (count) result = kShift(value, count, result.flags, c.size_of(0));
  if (!c.write_operand(0, result.value)) return c.failure;
  set_flags(c, result.flags);
  return Outcome::kDone;
}

template <DoubleShift kShift>
Outcome double_shift(Context& c) {
  uint64_t value, other, operand;
  if (!c.read_operand(2, &operand) || !c.read_operand(1, &other) || !c.read_for_write(0, &value)) return c.failure;
  const unsigned count = static_cast<unsigned>(operand) & count_mask(c.size_of(0));
  Value result{value, static_cast<uint32_t>(c.cpu.rflags)};
  if (count) result = kShift(value, other, count, result.flags, c.size_of(0));
  if (!c.write_operand(0, result.value)) return c.failure;
  set_flags(c, result.flags);
  return Outcome::kDone;
}

}  // namespace

Outcome op_rol(Context& c) { return shift<rotate_left>(c); }
Outcome op_ror(Context& c) { return shift<rotate_right>(c); }
Outcome op_rcl(Context& c) { return shift<rotate_left_carry>(c); }
Outcome op_rcr(Context& c) { return shift<rotate_right_carry>(c); }
Outcome op_shl(Context& c) { return shift<shift_left>(c); }
Outcome op_shr(Context& c) { return shift<shift_right>(c); }
Outcome op_sar(Context& c) { return shift<shift_right_signed>(c); }
Outcome op_shld(Context& c) { return double_shift<shift_left_double>(c); }
Outcome op_shrd(Context& c) { return double_shift<shift_right_double>(c); }

}  // namespace ring1::emulator
