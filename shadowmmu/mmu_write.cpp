// SPDX-License-Identifier: GPL-2.0-only
// Stores to traced guest pages. The store has been done already; what was made from the old contents follows.
//
// Nothing is flushed here: a guest that changes a present entry must invalidate it itself (SDM 3A 4.10.4), and until
// then the processor may use the old one. stale_ remembers that for those who need certainty.
#include "base/bits.h"
#include "shadowmmu/shadow_mmu.h"

namespace ring1::shadowmmu {

void ShadowMmu::guest_wrote(Gpa where, unsigned size) {
  while (size) {
    const unsigned room = static_cast<unsigned>(kPageSize - where.offset());
    const unsigned part = size < room ? size : room;
    wrote_in_page(where, part);
    where = where + part;
    size -= part;
  }
  settle();
}

void ShadowMmu::wrote_in_page(Gpa where, unsigned size) {
  PageInfo* info = infos_.find(where.frame());
  if (!info || !info->reasons) return;
  const uint8_t reasons = info->reasons;
  if (reasons & kTraceCode) listener_.code_written(where, size);
  if (reasons & kTraceDependency) {
    const uint64_t bytes = walker_.mode().pae ? 8 : 4;
    for (uint64_t at = where.raw() & ~(bytes - 1); at < where.raw() + size; at += bytes) {
      listener_.code_mapping_changed(Gpa(at));
    }
  }
  if (reasons & kTracePageTable) wrote_table(info, where, size);
  if (reasons & kTraceHole) hole_table_written(info);
}

void ShadowMmu::wrote_table(PageInfo* info, Gpa where, unsigned size) {
  ++stats_.mmu_table_writes;
  bool used = false;
  for (unsigned index = info->shadows, next; index; index = next) {
    next = pool_.at(index).next_same_frame;
    const Role role = pool_.at(index).role;
    if (!role.has_guest_table()) continue;
    const unsigned bytes = role.guest_entry_bytes();
    const unsigned first = static_cast<unsigned>(where.offset() / bytes);
    const unsigned last = static_cast<unsigned>((where.offset() + size - 1) / bytes);
    for (unsigned guest = first; guest <= last; ++guest) used |= refresh(index, guest);
  }
  if (is_flood(info, where, size, used)) unprotect(where.page());
  look_under_hole();
}

// A guest entry has changed: so may the one or two entries made from it. True: the processor had used one.
bool ShadowMmu::refresh(unsigned index, unsigned guest_index) {
  constexpr unsigned kRefreshWork = 300;  // instructions, for Listener::worked()
  listener_.worked(kRefreshWork);
  const Role role = pool_.at(index).role;
  if (role.mode & Role::kPae) return refresh_entry(index, guest_index);
  if (role.kind == Kind::kTable) {
    return guest_index / kEntries == role.quadrant && refresh_entry(index, guest_index % kEntries);
  }
  constexpr unsigned kPerQuadrant = kEntries / 2;
  if (guest_index / kPerQuadrant != role.quadrant) return false;
  const unsigned position = guest_index % kPerQuadrant * 2;
  const bool used = refresh_entry(index, position);
  return refresh_entry(index, position + 1) || used;
}

// A page-table entry that may be used as it stands is made at once: the guest writes it as it is about to use it.
bool ShadowMmu::refresh_entry(unsigned index, unsigned position) {
  ShadowPage& page = pool_.at(index);
  const Handle handle = index * kEntries + position;
  const uint64_t old = page.entries[position];
  if (page.role.is_directory()) {
    if (hole_.covers(page.role.quadrant, position))
      page.hole_epoch = 0;
    else if (old)
      drop_link(handle);
  } else if (fill_known(index, position)) {
    ++stats_.mmu_prefetched;
  } else if (old) {
    drop_leaf(handle);
  }
  return old & entry::kAccessed;
}

// Does the page look like one that was a page table and is now something else, or like a table being filled or
// emptied, where the traps cost more than a new shadow? limits_ decide; a page that code depends on is kept longer.
bool ShadowMmu::is_flood(PageInfo* info, Gpa where, unsigned size, bool used) const {
  const unsigned granule = static_cast<unsigned>(where.offset() / 8);
  const unsigned last = info->last_write / 8;
  info->last_write = static_cast<uint16_t>(where.offset());
  if (granule == last + 1 || granule + 1 == last)
    count_up(&info->run);
  else if (granule != last)
    info->run = 0;
  if (used)
    info->writes = 0;
  else
    count_up(&info->writes);

  // Flags are also changed by instructions on their one or two bytes.
  const unsigned byte = where.offset() % 4;
  const bool odd = size < 4 ? byte + size > 2 : byte || size > 8;
  const unsigned patience = info->reasons & kTraceDependency ? 8 : 1;
  return odd || info->run >= limits_.flood_run * patience || info->writes >= limits_.flood_writes * patience;
}

}  // namespace ring1::shadowmmu
