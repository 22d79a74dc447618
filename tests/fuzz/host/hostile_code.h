// SPDX-License-Identifier: GPL-2.0-only
// What a hostile guest is made of: random 32-bit code, descriptor tables, page tables and task state, in its memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tests/fuzz/random.h"

namespace ring1::fuzz {

// Where things lie in the guest's memory, which is identity-mapped while its page tables are what they were.
struct HostileLayout {
  static constexpr uint32_t kMemory = 2 << 20;
  static constexpr uint32_t kCode = 0x10000, kCodeSize = 0x10000;
  static constexpr uint32_t kGdt = 0x20000, kIdt = 0x21000, kTss = 0x22000, kLdt = 0x23000, kDescriptors = 32;
  static constexpr uint32_t kDirectory = 0x24000, kTable = 0x25000, kDirectoryPointers = 0x26000, kPaeDirectory = 0x27000;
  static constexpr uint32_t kData = 0x40000, kDataSize = 0x40000, kStackTop = 0x90000;
};

// Fills all of it.
void make_hostile(uint64_t seed, uint8_t* memory);
// One thing of it is made anew: some code, a descriptor, a gate, an entry of a page table.
void change_hostile(Random& random, uint8_t* memory);

}  // namespace ring1::fuzz
