// SPDX-License-Identifier: GPL-2.0-only
// ROL ROR RCL RCR SHL SHR SAR SHLD SHRD.
#include "emulator/shift.h"

#include "emulator/flags.h"
#include "emulator/handlers.h"

namespace ring1::emulator {
namespace {

constexpr uint32_t kRotateFlags = eflags::kCf | eflags::kOf;

// CF is the top bit that left; OF says that the sign changed in the last step. Both hold for any count on
// common processors although the manual defines OF for a count of 1 only.
uint32_t left_overflow(uint32_t result, bool carry, unsigned size) {
  return static_cast<bool>(result & sign_bit(size)) != carry ? eflags::kOf : 0;
}
uint32_t right_overflow(uint32_t result, unsigned size) {
  return (result ^ result << 1) & sign_bit(size) ? eflags::kOf : 0;
}

Value rotated(uint32_t result, bool carry, uint32_t overflow, uint32_t flags, unsigned size) {
  return {result & size_mask(size), (flags & ~kRotateFlags) | (carry ? eflags::kCf : 0) | overflow};
}

Value shifted(uint32_t result, bool carry, uint32_t overflow, unsigned size) {
  result &= size_mask(size);
  return {result, result_flags(result, size) | (carry ? eflags::kCf : 0) | overflow};
}

}  // namespace

Value rotate_left(uint32_t value, unsigned count, uint32_t flags, unsigned size) {
  const unsigned bits = 8 * size, n = count % bits;
  value &= size_mask(size);
  const uint32_t result = (n ? value << n | value >> (bits - n) : value) & size_mask(size);
  const bool carry = result & 1;
  return rotated(result, carry, left_overflow(result, carry, size), flags, size);
}

Value rotate_right(uint32_t value, unsigned count, uint32_t flags, unsigned size) {
  const unsigned bits = 8 * size, n = count % bits;
  value &= size_mask(size);
  const uint32_t result = (n ? value >> n | value << (bits - n) : value) & size_mask(size);
  return rotated(result, result & sign_bit(size), right_overflow(result, size), flags, size);
}

// Through CF the operand is one bit longer, so a count of a whole turn changes nothing.
Value rotate_left_carry(uint32_t value, unsigned count, uint32_t flags, unsigned size) {
  const unsigned bits = 8 * size + 1, n = count % bits;
  const uint64_t mask = (uint64_t{1} << bits) - 1;
  uint64_t wide = (value & size_mask(size)) | uint64_t{flags & eflags::kCf} << (bits - 1);
  wide = (wide << n | wide >> (bits - n)) & mask;
  const bool carry = wide >> (bits - 1);
  return rotated(wide, carry, left_overflow(wide, carry, size), flags, size);
}

Value rotate_right_carry(uint32_t value, unsigned count, uint32_t flags, unsigned size) {
  const unsigned bits = 8 * size + 1, n = count % bits;
  const uint64_t mask = (uint64_t{1} << bits) - 1;
  uint64_t wide = (value & size_mask(size)) | uint64_t{flags & eflags::kCf} << (bits - 1);
  wide = (wide >> n | wide << (bits - n)) & mask;
  return rotated(wide, wide >> (bits - 1), right_overflow(wide, size), flags, size);
}

Value shift_left(uint32_t value, unsigned count, uint32_t, unsigned size) {
  const uint64_t wide = uint64_t{value & size_mask(size)} << count;
  const bool carry = wide >> (8 * size) & 1;
  return shifted(wide, carry, left_overflow(wide, carry, size), size);
}

Value shift_right(uint32_t value, unsigned count, uint32_t, unsigned size) {
  value &= size_mask(size);
  const uint32_t result = value >> count;
  return shifted(result, value >> (count - 1) & 1, right_overflow(result, size), size);
}

Value shift_right_signed(uint32_t value, unsigned count, uint32_t, unsigned size) {
  const int64_t wide = sign_extend(value, size);
  return shifted(static_cast<uint32_t>(wide >> count), wide >> (count - 1) & 1, 0, size);
}

// A 16-bit operand shifted by more than 16 is undefined; processors go on with the other operand, then the
// first again.
Value shift_left_double(uint32_t value, uint32_t other, unsigned count, uint32_t, unsigned size) {
  uint64_t wide, carry;
  if (size == 2) {
    const uint64_t chain = uint64_t{value & 0xffff} << 32 | uint64_t{other & 0xffff} << 16 | (value & 0xffff);
    wide = chain << count >> 32;
    carry = wide >> 16;
  } else {
    const uint64_t chain = uint64_t{value} << 32 | other;
    wide = chain << count >> 32;
    carry = chain >> (64 - count);
  }
  return shifted(wide, carry & 1, left_overflow(wide, carry & 1, size), size);
}

Value shift_right_double(uint32_t value, uint32_t other, unsigned count, uint32_t, unsigned size) {
  uint64_t chain;
  if (size == 2) {
    chain = uint64_t{value & 0xffff} << 32 | uint64_t{other & 0xffff} << 16 | (value & 0xffff);
  } else {
    chain = uint64_t{other} << 32 | value;
  }
  const uint32_t result = static_cast<uint32_t>(chain >> count);
  return shifted(result, chain >> (count - 1) & 1, right_overflow(result, size), size);
}

namespace {

using Shift = Value (*)(uint32_t value, unsigned count, uint32_t flags, unsigned size);
using DoubleShift = Value (*)(uint32_t value, uint32_t other, unsigned count, uint32_t flags, unsigned size);

constexpr unsigned kCountMask = 31;

template <Shift kShift>
Outcome shift(Context& c) {
  uint64_t value, count;
  if (!c.read_operand(1, &count) || !c.read_for_write(0, &value)) return c.failure;
  count &= kCountMask;
  Value result{static_cast<uint32_t>(value), static_cast<uint32_t>(c.cpu.rflags)};
  if (count) result = kShift(value, count, c.cpu.rflags, c.size_of(0));
  if (!c.write_operand(0, result.value)) return c.failure;
  set_flags(c, result.flags);
  return Outcome::kDone;
}

template <DoubleShift kShift>
Outcome double_shift(Context& c) {
  uint64_t value, other, count;
  if (!c.read_operand(2, &count) || !c.read_operand(1, &other) || !c.read_for_write(0, &value))
    return c.failure;
  count &= kCountMask;
  Value result{static_cast<uint32_t>(value), static_cast<uint32_t>(c.cpu.rflags)};
  if (count) result = kShift(value, other, count, c.cpu.rflags, c.size_of(0));
  if (!c.write_operand(0, result.value)) return c.failure;
  set_flags(c, result.flags);
  return Outcome::kDone;
}

}  // namespace

Outcome op_rol(Context& c) {
  return shift<rotate_left>(c);
}
Outcome op_ror(Context& c) {
  return shift<rotate_right>(c);
}
Outcome op_rcl(Context& c) {
  return shift<rotate_left_carry>(c);
}
Outcome op_rcr(Context& c) {
  return shift<rotate_right_carry>(c);
}
Outcome op_shl(Context& c) {
  return shift<shift_left>(c);
}
Outcome op_shr(Context& c) {
  return shift<shift_right>(c);
}
Outcome op_sar(Context& c) {
  return shift<shift_right_signed>(c);
}
Outcome op_shld(Context& c) {
  return double_shift<shift_left_double>(c);
}
Outcome op_shrd(Context& c) {
  return double_shift<shift_right_double>(c);
}

}  // namespace ring1::emulator
