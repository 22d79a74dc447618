// SPDX-License-Identifier: GPL-2.0-only
// Arithmetic and logic on operands of 1, 2, 4 or 8 bytes, with all six arithmetic flags (SDM 1 3.4.3.1).
// Flags that the manual leaves undefined come out as on common processors.
#pragma once

#include <cstdint>

#include "x86/registers.h"

namespace ring1::emulator {

// A result with the arithmetic flags that belong to it.
struct Value {
  uint64_t value;
  uint32_t flags;
};

constexpr uint64_t size_mask(unsigned size) { return ~uint64_t{0} >> (64 - 8 * size); }
constexpr uint64_t sign_bit(unsigned size) { return uint64_t{1} << (8 * size - 1); }
constexpr int64_t sign_extend(uint64_t value, unsigned size) {
  return static_cast<int64_t>(value << (64 - 8 * size)) >> (64 - 8 * size);
}

// Without the POPCNT instruction, which an old processor lacks, and without a library call.
constexpr unsigned count_ones(uint64_t value) {
  constexpr uint64_t kPairs = 0x5555555555555555, kNibbles = 0x3333333333333333, kBytes = 0x0f0f0f0f0f0f0f0f;
  value -= value >> 1 & kPairs;
  value = (value & kNibbles) + (value >> 2 & kNibbles);
  value = (value + (value >> 4)) & kBytes;
  return static_cast<unsigned>(value * 0x0101010101010101 >> 56);
}

// ZF, SF and PF of a result; PF looks at the low byte alone.
constexpr uint32_t result_flags(uint64_t value, unsigned size) {
  value &= size_mask(size);
  uint32_t flags = 0;
  if (value == 0) flags |= eflags::kZf;
  if (value & sign_bit(size)) flags |= eflags::kSf;
  // Bit n of the constant: is the number of ones in n even?
  const unsigned nibble = (value ^ value >> 4) & 15;
  if (0x9669u >> nibble & 1) flags |= eflags::kPf;
  return flags;
}

constexpr Value add(uint64_t a, uint64_t b, unsigned carry, unsigned size) {
  const uint64_t mask = size_mask(size);
  a &= mask;
  b &= mask;
  const uint64_t value = (a + b + carry) & mask;
  uint32_t flags = result_flags(value, size);
  if (carry ? value <= a : value < a) flags |= eflags::kCf;
  if ((a ^ b ^ value) & 0x10u) flags |= eflags::kAf;
  if ((a ^ value) & (b ^ value) & sign_bit(size)) flags |= eflags::kOf;
  return {value, flags};
}

constexpr Value subtract(uint64_t a, uint64_t b, unsigned borrow, unsigned size) {
  const uint64_t mask = size_mask(size);
  a &= mask;
  b &= mask;
  const uint64_t value = (a - b - borrow) & mask;
  uint32_t flags = result_flags(value, size);
  if (borrow ? a <= b : a < b) flags |= eflags::kCf;
  if ((a ^ b ^ value) & 0x10u) flags |= eflags::kAf;
  if ((a ^ b) & (a ^ value) & sign_bit(size)) flags |= eflags::kOf;
  return {value, flags};
}

// AND, OR, XOR, TEST: CF and OF are 0; AF (undefined) too.
constexpr Value logic(uint64_t value, unsigned size) {
  value &= size_mask(size);
  return {value, result_flags(value, size)};
}

}  // namespace ring1::emulator
