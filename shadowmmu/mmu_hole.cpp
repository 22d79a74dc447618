// SPDX-License-Identifier: GPL-2.0-only
// The hole in the shadow directories, and what the guest has under it.
#include "base/bits.h"
#include "shadowmmu/shadow_mmu.h"

namespace ring1::shadowmmu {

// In pieces that are not too long: between two of them the host may get a turn.
RangeScan ShadowMmu::scan(Gva from, uint64_t bytes, bool behind) const {
  constexpr unsigned kScanWork = 200, kEntryWork = 60;  // instructions, for Listener::worked()
  const RangeScan scan = walker_.scan(from, bytes, behind);
  listener_.worked(kScanWork + kEntryWork * scan.entries_read);
  return scan;
}

bool ShadowMmu::set_hole(Gva base, const HoleTable* tables, unsigned count) {
  constexpr unsigned kPageWork = 10, kDirectoryWork = 8000;  // instructions, for Listener::worked()
  Hole hole;
  if (!hole.set(base, tables, count)) return false;
  const auto for_each_directory = [this](auto&& act) {
    for (unsigned index = 1; index < pool_.end(); ++index) {
      const bool directory = pool_.at(index).live && pool_.at(index).role.is_directory();
      listener_.worked(directory ? kDirectoryWork : kPageWork);
      if (directory) act(index, pool_.at(index));
    }
  };
  for_each_directory([this, &hole](unsigned index, ShadowPage& page) {
    for (unsigned i = 0; i < kEntries; ++i) {
      if (hole_.covers(page.role.quadrant, i))
        page.entries[i] = 0;
      else if (page.entries[i] && hole.covers(page.role.quadrant, i))
        drop_link(index * kEntries + i);
    }
  });
  hole_ = hole;
  for_each_directory([this](unsigned, ShadowPage& page) { install_hole(page); });
  ++hole_epoch_;
  need_flush_ = true;
  look_under_hole();
  settle();
  return true;
}

// What is known of a directory holds until it, or a page table traced for the hole, is written.
void ShadowMmu::look_under_hole() {
  constexpr uint64_t kSlotBytes = uint64_t{1} << 30;
  hole_collides_ = false;
  for (unsigned slot = 0; slot < 4; ++slot) {
    if (!hole_.touches(slot)) continue;
    ShadowPage& page = pool_.at(roots_[slot]);
    if (page.hole_epoch != hole_epoch_) {
      const uint64_t begin = slot * kSlotBytes, end = begin + kSlotBytes;
      const uint64_t hole_begin = hole_.base().raw(), hole_end = hole_begin + hole_.bytes();
      const uint64_t from = hole_begin > begin ? hole_begin : begin;
      const RangeScan under = scan(Gva(from), (hole_end < end ? hole_end : end) - from);
      page.hole_epoch = hole_epoch_;
      page.hole_collides = under.cover != Cover::kFree;
      for (unsigned i = 0; i < under.table_count && !page.hole_collides; ++i) {
        if (PageInfo* info = info_for(under.tables[i].frame())) {
          if (!info->reasons) protect(*info);
          info->reasons |= kTraceHole;
        }
      }
    }
    hole_collides_ |= page.hole_collides;
  }
}

// The page may no longer be what it was traced for: look anew, which traces it again if it still is.
void ShadowMmu::hole_table_written(PageInfo* info) {
  info->reasons = without(info->reasons, kTraceHole);
  ++hole_epoch_;
  look_under_hole();
}

void ShadowMmu::accept_hole() {
  hole_collides_ = false;
  for (unsigned slot = 0; slot < 4; ++slot) {
    if (hole_.touches(slot)) pool_.at(roots_[slot]).hole_collides = false;
  }
}

bool ShadowMmu::find_hole(uint64_t bytes, Gva bottom, Gva top, Cover worst, Gva* base) const {
  uint64_t run = 0;
  uint64_t at = top.raw() & ~(Hole::kTableBytes - 1);
  while (run < bytes && at >= bottom.raw() + Hole::kTableBytes) {
    at -= Hole::kTableBytes;
    const Cover cover = scan(Gva(at), Hole::kTableBytes, worst != Cover::kFree).cover;
    run = cover <= worst ? run + Hole::kTableBytes : 0;
  }
  *base = Gva(at);
  return run >= bytes;
}

}  // namespace ring1::shadowmmu
