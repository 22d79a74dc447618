// SPDX-License-Identifier: GPL-2.0-only
// Rotates and shifts of operands of 1, 2, 4 or 8 bytes. `flags` holds the flags before and gives the flags
// after; the count is already masked to five bits, of 8 bytes to six, and is not 0.
#pragma once

#include "emulator/alu.h"

namespace ring1::emulator {

Value rotate_left(uint64_t value, unsigned count, uint32_t flags, unsigned size);
Value rotate_right(uint64_t value, unsigned count, uint32_t flags, unsigned size);
Value rotate_left_carry(uint64_t value, unsigned count, uint32_t flags, unsigned size);
Value rotate_right_carry(uint64_t value, unsigned count, uint32_t flags, unsigned size);
Value shift_left(uint64_t value, unsigned count, uint32_t flags, unsigned size);
Value shift_right(uint64_t value, unsigned count, uint32_t flags, unsigned size);
Value shift_right_signed(uint64_t value, unsigned count, uint32_t flags, unsigned size);
// SHLD and SHRD: bits come from `other`.
Value shift_left_double(uint64_t value, uint64_t other, unsigned count, uint32_t flags, unsigned size);
Value shift_right_double(uint64_t value, uint64_t other, unsigned count, uint32_t flags, unsigned size);

}  // namespace ring1::emulator
