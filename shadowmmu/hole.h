// SPDX-License-Identifier: GPL-2.0-only
// The hole: the part of the guest's linear address space that the monitor borrows. Every shadow directory that
// covers it points to the monitor's own page tables there.
#pragma once

#include "shadowmmu/shadow_entry.h"
#include "shadowmmu/paging_names.h"

namespace ring1::shadowmmu {

// A page table of the monitor that maps 2 MiB of the hole, and the rights in the directory entry that points to it.
struct HoleTable {
  Hpa table;
  bool writable = true, user = false;
};

class Hole {
 public:
  static constexpr unsigned kMaxTables = 64, kTableShift = 21;
  static constexpr uint64_t kTableBytes = uint64_t{1} << kTableShift;

  // False: not aligned, too large or beyond 4 GiB; nothing has changed.
  bool set(Gva base, const HoleTable* tables, unsigned count);
  void clear() { count_ = 0; }

  Gva base() const { return base_; }
  unsigned count() const { return count_; }
  uint64_t bytes() const { return count_ * kTableBytes; }
  bool covers(Gva address) const { return address.raw() - base_.raw() < bytes(); }
  bool covers(unsigned slot, unsigned index) const { return number(slot, index) - first() < count_; }
  bool touches(unsigned slot) const;
  uint64_t entry(unsigned slot, unsigned index) const { return entries_[number(slot, index) - first()]; }

 private:
  static constexpr uint64_t number(unsigned slot, unsigned index) { return slot * 512 + index; }
  uint64_t first() const { return base_.raw() >> kTableShift; }

  Gva base_;
  unsigned count_ = 0;
  uint64_t entries_[kMaxTables] = {};
};

}  // namespace ring1::shadowmmu
