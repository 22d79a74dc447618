// SPDX-License-Identifier: GPL-2.0-only
#include "shadowmmu/hole.h"

namespace ring1::shadowmmu {

bool Hole::set(Gva base, const HoleTable* tables, unsigned count) {
  constexpr uint64_t kEnd = uint64_t{1} << 32;
  if (count > kMaxTables || base.raw() % kTableBytes || base.raw() >= kEnd || base.raw() + count * kTableBytes > kEnd)
    return false;
  base_ = base;
  count_ = count;
  for (unsigned i = 0; i < count; ++i) {
    entries_[i] = tables[i].table.raw() | entry::kPresent | (tables[i].writable ? entry::kWrite : 0) |
                  (tables[i].user ? entry::kUser : 0);
  }
  return true;
}

bool Hole::touches(unsigned slot) const {
  return count_ && first() < number(slot + 1, 0) && first() + count_ > number(slot, 0);
}

}  // namespace ring1::shadowmmu
