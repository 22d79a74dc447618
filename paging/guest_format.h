// SPDX-License-Identifier: GPL-2.0-only
// One small class per format of the guest's tables. `shift` tells the level of an entry: it maps 1 << shift bytes. The
// 32-bit formats have two levels in memory; PAE's four page-directory-pointer entries are registers, loaded with CR3
// (SDM 3A 4.4.1).
#pragma once

#include "base/address.h"
#include "paging/entry.h"
#include "paging/mode.h"

namespace ring1::paging {

// 32-bit paging, with 4 MiB pages if CR4.PSE (SDM 3A 4.3).
struct LegacyFormat {
  static constexpr unsigned kEntryBytes = 4, kIndexBits = 10, kLargeShift = 22;

  static unsigned top_shift(const PagingMode&) { return kLargeShift; }
  static bool large(const PagingMode& mode, uint64_t value, unsigned = kLargeShift) {
    return mode.pse && (value & entry::kLarge);
  }
  static uint64_t frame(uint64_t value) { return value & 0xffff'f000; }
  // PSE-36: bits 20:13 are the frame's bits 39:32.
  static uint64_t large_frame(uint64_t value, unsigned = kLargeShift) {
    return (value & 0xffc0'0000) | (value & entry::bits(13, 20)) << 19;
  }
  static uint64_t reserved(const PagingMode& mode, bool large, unsigned = kLargeShift) {
    const unsigned width = mode.physical_bits < 32 ? 32 : mode.physical_bits < 40 ? mode.physical_bits : 40;
    return large ? entry::bits(width - 19, 21) : 0;
  }
};

// PAE paging, execute-disable if EFER.NXE (SDM 3A 4.4).
struct PaeFormat {
  static constexpr unsigned kEntryBytes = 8, kIndexBits = 9, kLargeShift = 21;

  static unsigned top_shift(const PagingMode&) { return kLargeShift; }
  static bool large(const PagingMode&, uint64_t value, unsigned = kLargeShift) { return value & entry::kLarge; }
  static uint64_t frame(uint64_t value) { return value & entry::kFrame; }
  static uint64_t large_frame(uint64_t value, unsigned = kLargeShift) {
    return value & entry::kFrame & ~entry::bits(12, 20);
  }
  static uint64_t reserved(const PagingMode& mode, bool large, unsigned = kLargeShift) {
    return entry::bits(mode.physical_bits, 62) | (mode.nxe ? 0 : entry::kNoExecute) | (large ? entry::bits(13, 20) : 0);
  }
  // Of a present page-directory-pointer entry; a violation makes the load of CR3 fault.
  static uint64_t reserved_pointer(const PagingMode& mode) {
    return entry::bits(1, 2) | entry::bits(5, 8) | entry::bits(mode.physical_bits, 63);
  }
};

// 4-level and 5-level paging (SDM 3A 4.5). Bits 52 to 62 are software's, unlike PAE's.
struct LongFormat {
  static constexpr unsigned kEntryBytes = 8, kIndexBits = 9;
  static constexpr unsigned kDirectoryShift = 21, kPointerShift = 30, kLevel4Shift = 39, kLevel5Shift = 48;

  static unsigned top_shift(const PagingMode& mode) { return mode.la57 ? kLevel5Shift : kLevel4Shift; }
  static bool large(const PagingMode& mode, uint64_t value, unsigned shift) {
    return (value & entry::kLarge) && (shift == kDirectoryShift || (shift == kPointerShift && mode.gigabyte_pages));
  }
  static uint64_t frame(uint64_t value) { return value & entry::kFrame; }
  // Bit 12 of an entry that maps a large page is PAT.
  static uint64_t large_frame(uint64_t value, unsigned shift) {
    return value & entry::kFrame & ~entry::bits(kPageShift, shift - 1);
  }
  // Bit 7 is reserved where it cannot mean a large page.
  static uint64_t reserved(const PagingMode& mode, bool large, unsigned shift) {
    return entry::bits(mode.physical_bits, 51) | (mode.nxe ? 0 : entry::kNoExecute) |
           (large                     ? entry::bits(kPageShift + 1, shift - 1)
            : shift > kDirectoryShift ? entry::kLarge
                                      : 0);
  }
  static bool canonical(const PagingMode& mode, uint64_t address) {
    const unsigned unused = 64 - (mode.la57 ? kLevel5Shift : kLevel4Shift) - kIndexBits;
    return static_cast<uint64_t>(static_cast<int64_t>(address << unused) >> unused) == address;
  }
};

static_assert(LongFormat::kEntryBytes << LongFormat::kIndexBits == kPageSize);
static_assert(LongFormat::kIndexBits + kPageShift == LongFormat::kDirectoryShift);
static_assert(LongFormat::kIndexBits + LongFormat::kDirectoryShift == LongFormat::kPointerShift);
static_assert(LegacyFormat::kEntryBytes << LegacyFormat::kIndexBits == kPageSize);
static_assert(PaeFormat::kEntryBytes << PaeFormat::kIndexBits == kPageSize);
static_assert(LegacyFormat::kIndexBits + kPageShift == LegacyFormat::kLargeShift);
static_assert(PaeFormat::kIndexBits + kPageShift == PaeFormat::kLargeShift);

}  // namespace ring1::paging
