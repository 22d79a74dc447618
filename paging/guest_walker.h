// SPDX-License-Identifier: GPL-2.0-only
// Reads the guest's own tables, with the rights and faults of the manual. Changes nothing but, on demand, the
// Accessed and Dirty bits.
#pragma once

#include "paging/guest_format.h"
#include "paging/guest_memory.h"
#include "paging/walk.h"

namespace ring1::paging {

// A walk that still knows what the entries lie in. Not where: the host may take a page back.
struct GuestWalk : Walk {
  bool in_ram[kMaxLevels] = {};
};

// What is present in a range of guest linear addresses.
struct RangeScan {
  static constexpr unsigned kMaxTables = 64;
  Cover cover = Cover::kFree;
  unsigned entries_read = 0;
  unsigned table_count = 0;  // page tables that cover part of the range without mapping anything there
  Gpa tables[kMaxTables];    // at most so many are listed
};

class GuestWalker {
 public:
  explicit GuestWalker(GuestMemory& memory) : memory_(memory) {}

  enum class Load : uint8_t { kOk, kReserved, kBlocked };
  // Takes over the mode and CR3, reads the page-directory-pointer entries. Not kOk: nothing has changed.
  [[nodiscard]] Load load(const PagingMode& mode, uint64_t cr3, Pointers pointers);

  void restore(const GuestWalker& before);  // takes load() back

  // Below long mode an address has 32 bits, the others are ignored; in long mode one that is not canonical gives #GP.
  GuestWalk walk(Gva address, Access access) const;
  // Sets Accessed in every entry, Dirty in the last one if `write`. Returns which entries changed, one bit each. The
  // walk is blocked afterwards if the host did not let a table be written.
  unsigned set_accessed_dirty(GuestWalk& walk, bool write) const;
  // For 32-bit guests. Up to the first mapping. With `behind`, large pages with nothing behind them are no reason to
  // stop.
  RangeScan scan(Gva from, uint64_t bytes, bool behind = false) const;

  // The guest's page directory for a quarter of the 4 GiB of a 32-bit guest; false: none there.
  bool directory(unsigned slot, Gpa* table) const;
  const PagingMode& mode() const { return mode_; }

  uint64_t cr3() const { return cr3_; }

 private:
  template <class Format>
  void walk_tables(Gpa table, Gva address, Access access, GuestWalk* out) const;
  bool denied(const Walk& walk, Access access) const;
  template <class Format>
  void scan_tables(Gva from, uint64_t bytes, bool behind, RangeScan* out) const;
  void scan_identity(Gva from, uint64_t bytes, RangeScan* out) const;
  Cover cover_of(Gpa from, uint64_t bytes) const;
  bool read(Gpa where, unsigned bytes, uint64_t* value, bool* in_ram) const;  // false: blocked
  void fail(GuestWalk* out, Gva address, Access access, uint32_t bits) const;

  GuestMemory& memory_;
  PagingMode mode_;
  uint64_t cr3_ = 0;
  uint64_t pointers_[4] = {};
};

}  // namespace ring1::paging
