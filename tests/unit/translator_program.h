// SPDX-License-Identifier: GPL-2.0-only
// Random guest programs: functions of arithmetic, stack, branches, calls of all kinds, that end with HLT.
#pragma once

#include <cstdint>
#include <vector>

namespace ring1::translator::test {

struct ProgramKind {
  bool interrupt_flag = false;  // CLI, STI, POPF: only for runs that are stepped natively
  unsigned functions = 4, items = 14;
};

struct Program {
  std::vector<uint8_t> bytes;  // for Arena::kGuest
  uint32_t entry = 0;
};

Program random_program(uint32_t seed, const ProgramKind& kind);
// Straight lines of 16-bit code for a segment based at Arena::kGuest, with every mixture of size prefixes.
Program random_program16(uint32_t seed);

}  // namespace ring1::translator::test
