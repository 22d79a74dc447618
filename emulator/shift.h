// SPDX-License-Identifier: GPL-2.0-only
// Rotates and shifts of operands of 1, 2 or 4 bytes. `flags` holds the flags before and gives the flags
// after; the count is already masked to five bits and is not 0.
#pragma once

#include "emulator/alu.h"

namespace ring1::emulator {

Value rotate_left(uint32_t value, unsigned count, uint32_t flags, unsigned size);
Value rotate_right(uint32_t value, unsigned count, uint32_t flags, unsigned size);
Value rotate_left_carry(uint32_t value, unsigned count, uint32_t flags, unsigned size);
Value rotate_right_carry(uint32_t value, unsigned count, uint32_t flags, unsigned size);
Value shift_left(uint32_t value, unsigned count, uint32_t flags, unsigned size);
Value shift_right(uint32_t value, unsigned count, uint32_t flags, unsigned size);
Value shift_right_signed(uint32_t value, unsigned count, uint32_t flags, unsigned size);
// SHLD and SHRD: bits come from `other`.
Value shift_left_double(uint32_t value, uint32_t other, unsigned count, uint32_t flags, unsigned size);
Value shift_right_double(uint32_t value, uint32_t other, unsigned count, uint32_t flags, unsigned size);

}  // namespace ring1::emulator
