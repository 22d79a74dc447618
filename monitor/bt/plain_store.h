// SPDX-License-Identifier: GPL-2.0-only
// A store as kernels write page-table entries and descriptors: MOV of 32 bits to memory, in 32-bit code without prefixes.
#pragma once

#include <cstdint>

#include "monitor/bt/trap_block.h"

namespace ring1::monitor {

struct PlainStore {
  static constexpr unsigned kMostBytes = 11;  // opcode, ModRM, SIB, displacement, immediate

  uint32_t offset;  // in its segment
  uint32_t value;
  unsigned length;
};

// The instruction at `bytes` (kMostBytes of them), with the registers of `block`. False: it is another one.
bool read_plain_store(const uint8_t* bytes, const TrapBlock& block, PlainStore* out);

}  // namespace ring1::monitor
