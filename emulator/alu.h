// SPDX-License-Identifier: GPL-2.0-only
// Arithmetic and logic on operands of 1, 2 or 4 bytes, with all six arithmetic flags (SDM 1 3.4.3.1).
// Flags that the manual leaves undefined come out as on common processors.
#pragma once

#include <cstdint>

#include "x86/registers.h"

namespace ring1::emulator {

// A result with the arithmetic flags that belong to it.
struct Value {
  uint32_t value;
  uint32_t flags;
};

constexpr uint32_t size_mask(unsigned size) {
  return size == 4 ? ~uint32_t{0} : (uint32_t{1} << (8 * size)) - 1;
}
constexpr uint32_t sign_bit(unsigned size) {
  return uint32_t{1} << (8 * size - 1);
}
constexpr int64_t sign_extend(uint32_t value, unsigned size) {
  return static_cast<int64_t>(static_cast<int32_t>(value << (32 - 8 * size)) >> (32 - 8 * size));
}

// Without the POPCNT instruction, which an old processor lacks, and without a library call.
constexpr unsigned count_ones(uint32_t value) {
  value -= value >> 1 & 0x55555555u;
  value = (value & 0x33333333u) + (value >> 2 & 0x33333333u);
  value = (value + (value >> 4)) & 0x0f0f0f0fu;
  return value * 0x01010101u >> 24;
}

// ZF, SF and PF of a result; PF looks at the low byte alone.
constexpr uint32_t result_flags(uint32_t value, unsigned size) {
  value &= size_mask(size);
  uint32_t flags = 0;
  if (value == 0) flags |= eflags::kZf;
  if (value & sign_bit(size)) flags |= eflags::kSf;
  // Bit n of the constant: is the number of ones in n even?
  const uint32_t nibble = (value ^ value >> 4) & 15;
  if (0x9669u >> nibble & 1) flags |= eflags::kPf;
  return flags;
}

constexpr Value add(uint32_t a, uint32_t b, unsigned carry, unsigned size) {
  const uint32_t mask = size_mask(size);
  a &= mask;
  b &= mask;
  const uint64_t wide = uint64_t{a} + b + carry;
  const uint32_t value = static_cast<uint32_t>(wide) & mask;
  uint32_t flags = result_flags(value, size);
  if (wide > mask) flags |= eflags::kCf;
  if ((a ^ b ^ value) & 0x10u) flags |= eflags::kAf;
  if ((a ^ value) & (b ^ value) & sign_bit(size)) flags |= eflags::kOf;
  return {value, flags};
}

constexpr Value subtract(uint32_t a, uint32_t b, unsigned borrow, unsigned size) {
  const uint32_t mask = size_mask(size);
  a &= mask;
  b &= mask;
  const uint32_t value = (a - b - borrow) & mask;
  uint32_t flags = result_flags(value, size);
  if (uint64_t{a} < uint64_t{b} + borrow) flags |= eflags::kCf;
  if ((a ^ b ^ value) & 0x10u) flags |= eflags::kAf;
  if ((a ^ b) & (a ^ value) & sign_bit(size)) flags |= eflags::kOf;
  return {value, flags};
}

// AND, OR, XOR, TEST: CF and OF are 0; AF (undefined) too.
constexpr Value logic(uint32_t value, unsigned size) {
  value &= size_mask(size);
  return {value, result_flags(value, size)};
}

}  // namespace ring1::emulator
