// SPDX-License-Identifier: GPL-2.0-only
// One small class per format of the guest's tables. Both have two levels of tables in memory; PAE's four
// page-directory-pointer entries are registers, loaded with CR3 (SDM 3A 4.4.1).
#pragma once

#include "shadowmmu/entry.h"
#include "shadowmmu/shadow_mmu.h"

namespace ring1::shadowmmu {

// 32-bit paging, with 4 MiB pages if CR4.PSE (SDM 3A 4.3).
struct LegacyFormat {
  static constexpr unsigned kEntryBytes = 4, kIndexBits = 10, kLargeShift = 22;

  static bool large(const PagingMode& mode, uint64_t value) { return mode.pse && (value & entry::kLarge); }
  static uint64_t frame(uint64_t value) { return value & 0xffff'f000; }
  // PSE-36: bits 20:13 are the frame's bits 39:32.
  static uint64_t large_frame(uint64_t value) {
    return (value & 0xffc0'0000) | (value & entry::bits(13, 20)) << 19;
  }
  static uint64_t reserved(const PagingMode& mode, bool large) {
    const unsigned width = mode.physical_bits < 32 ? 32 : mode.physical_bits < 40 ? mode.physical_bits : 40;
    return large ? entry::bits(width - 19, 21) : 0;
  }
};

// PAE paging, execute-disable if EFER.NXE (SDM 3A 4.4).
struct PaeFormat {
  static constexpr unsigned kEntryBytes = 8, kIndexBits = 9, kLargeShift = 21;

  static bool large(const PagingMode&, uint64_t value) { return value & entry::kLarge; }
  static uint64_t frame(uint64_t value) { return value & entry::kFrame; }
  static uint64_t large_frame(uint64_t value) { return value & entry::kFrame & ~entry::bits(12, 20); }
  static uint64_t reserved(const PagingMode& mode, bool large) {
    return entry::bits(mode.physical_bits, 62) | (mode.nxe ? 0 : entry::kNoExecute) |
           (large ? entry::bits(13, 20) : 0);
  }
  // Of a present page-directory-pointer entry; a violation makes the load of CR3 fault.
  static uint64_t reserved_pointer(const PagingMode& mode) {
    return entry::bits(1, 2) | entry::bits(5, 8) | entry::bits(mode.physical_bits, 63);
  }
};

static_assert(LegacyFormat::kEntryBytes << LegacyFormat::kIndexBits == kPageSize);
static_assert(PaeFormat::kEntryBytes << PaeFormat::kIndexBits == kPageSize);
static_assert(LegacyFormat::kIndexBits + kPageShift == LegacyFormat::kLargeShift);
static_assert(PaeFormat::kIndexBits + kPageShift == PaeFormat::kLargeShift);

}  // namespace ring1::shadowmmu
