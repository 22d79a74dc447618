// SPDX-License-Identifier: GPL-2.0-only
// Flags of the processor: replacing the arithmetic ones, and testing conditions.
#pragma once

#include "emulator/context.h"

namespace ring1::emulator {

// Replaces the arithmetic flags in `which` by those in `flags`.
inline void set_flags(Context& c, uint32_t flags, uint32_t which = eflags::kArithmetic) {
  c.cpu.rflags = (c.cpu.rflags & ~uint64_t{which}) | (flags & which);
}

inline bool flag(const Context& c, uint32_t which) { return c.cpu.rflags & which; }

// The condition tttn of Jcc, SETcc and CMOVcc (SDM 2D B.1.4.7): the low four bits of the opcode.
inline bool condition(const Context& c, unsigned tttn) {
  const bool sign_differs = flag(c, eflags::kSf) != flag(c, eflags::kOf);
  bool holds = false;
  switch (tttn >> 1 & 7) {
    case 0: holds = flag(c, eflags::kOf); break;
    case 1: holds = flag(c, eflags::kCf); break;
    case 2: holds = flag(c, eflags::kZf); break;
    case 3: holds = flag(c, eflags::kCf | eflags::kZf); break;
    case 4: holds = flag(c, eflags::kSf); break;
    case 5: holds = flag(c, eflags::kPf); break;
    case 6: holds = sign_differs; break;
    default: holds = flag(c, eflags::kZf) || sign_differs; break;
  }
  return holds != static_cast<bool>(tttn & 1);
}

}  // namespace ring1::emulator
