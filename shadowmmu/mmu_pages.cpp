// SPDX-License-Identifier: GPL-2.0-only
// The life of shadow pages and of their entries.
#include "base/bits.h"
#include "shadowmmu/shadow_mmu.h"

namespace ring1::shadowmmu {

namespace {
constexpr unsigned kSecondChances = 32;
constexpr unsigned kParentsLookedAt = 8;

// Instructions, for Listener::worked().
constexpr unsigned kChanceWork = 200, kEntryWork = 4, kDropWork = 50;
}  // namespace

PageInfo* ShadowMmu::info_for(uint64_t frame) {
  for (;;) {
    PageInfo* info = infos_.get(frame);
    if (info || frame >= PageInfos::kMaxFrames) return info;
    if (!pool_.give_back() && !(recycle() && pool_.give_back())) return nullptr;
  }
}

unsigned ShadowMmu::find(const PageInfo& info, Role role) const {
  unsigned index = info.shadows;
  while (index && !(pool_.at(index).role == role)) index = pool_.at(index).next_same_frame;
  return index;
}

// 0: out of memory, or the guest's table does not lie in RAM.
unsigned ShadowMmu::find_or_create(uint64_t frame, Role role) {
  PageInfo* info = info_for(frame);
  if (!info) return 0;
  if (const unsigned found = find(*info, role)) return found;

  Hpa hpa;
  GuestPointer guest;
  if (role.has_guest_table()) {
    const Backing backing = memory_.page(Gpa(frame << kPageShift), &hpa, &guest);
    if (!has_memory(backing)) return 0;
  }
  unsigned index;
  while (!(index = pool_.allocate())) {
    if (!recycle()) return 0;
  }
  ShadowPage& page = pool_.at(index);
  page.role = role;
  page.frame = static_cast<uint32_t>(frame);
  page.guest = guest;
  page.next_same_frame = info->shadows;
  info->shadows = static_cast<uint16_t>(index);
  if (role.is_directory()) install_hole(page);
  if (role.has_guest_table()) {
    info->writes = info->run = 0;
    if (!info->reasons) protect(*info);
    info->reasons |= kTracePageTable;
  }
  return index;
}

// The guest's entry behind a shadow entry. False: its table is not known at present.
bool ShadowMmu::guest_entry(ShadowPage& page, unsigned index, uint64_t* value) const {
  if (!page.guest.is_good(memory_)) [[unlikely]] {
    Hpa hpa;
    page.guest = GuestPointer(nullptr, memory_.generation());
    (void)memory_.known(Gpa(uint64_t{page.frame} << kPageShift), &hpa, &page.guest);
  }
  const uint8_t* table = page.guest.in(memory_);
  if (!table) return false;
  *value = page.entry_of(table, index);
  return true;
}

void ShadowMmu::install_hole(ShadowPage& directory) {
  const unsigned slot = directory.role.quadrant;
  if (!hole_.touches(slot)) return;
  for (unsigned i = 0; i < kEntries; ++i) {
    if (hole_.covers(slot, i)) directory.entries[i] = hole_.entry(slot, i);
  }
}

// Zaps the page not used for the longest time. A table that the processor has lately walked through gets a second
// chance: it leaves Accessed bits in the directory entries above.
bool ShadowMmu::recycle() {
  unsigned chances = kSecondChances;
  for (unsigned turns = 2 * pool_.count(); turns; --turns) {
    listener_.worked(kChanceWork);
    const unsigned index = pool_.oldest();
    const ShadowPage& page = pool_.at(index);
    bool keep = page.roots != 0;
    if (!keep && chances) {
      unsigned seen = 0;
      for (Handle at = page.parents; at && seen < kParentsLookedAt; at = reverse_.next(at), ++seen) {
        keep |= (pool_.entry(at) & entry::kAccessed) != 0;
        pool_.entry(at) &= ~entry::kAccessed;
      }
      chances -= keep;
    }
    if (!keep) {
      zap(index);
      return true;
    }
    pool_.touch(index);
  }
  return false;
}

void ShadowMmu::drop_leaf(Handle handle) {
  reverse_.remove_leaf(handle);
  pool_.entry(handle) = 0;
  --pool_.at(index_of(handle)).present;
  stale_ = true;
}

void ShadowMmu::drop_link(Handle handle) {
  reverse_.remove_parent(handle);
  stale_large_ |= (pool_.entry(handle) & entry::kSplit) != 0;
  pool_.entry(handle) = 0;
  --pool_.at(index_of(handle)).present;  // not stale_: the leaves below can still be found
}

// The processor may have cached the page's address (SDM 3A 4.10.3): it must forget it before the memory has another
// use, which is before the guest runs again.
void ShadowMmu::zap(unsigned index) {
  ShadowPage& page = pool_.at(index);
  RING1_ASSERT(page.live && !page.roots);
  const bool directory = page.role.is_directory();
  const Handle base = index * kEntries;
  listener_.worked(kEntryWork * kEntries);
  // A table is as often nearly empty as not. Those of the hole do not count in a directory.
  for (unsigned i = 0; i < kEntries && (directory || page.present); ++i) {
    if (!page.entries[i]) continue;
    listener_.worked(kDropWork);
    if (!directory)
      drop_leaf(base + i);
    else if (hole_.covers(page.role.quadrant, i))
      page.entries[i] = 0;
    else
      drop_link(base + i);
  }
  while (page.parents) {
    listener_.worked(kDropWork);
    drop_link(page.parents);
  }

  PageInfo* info = infos_.find(page.frame);
  uint16_t* at = &info->shadows;
  bool still_a_table = false;
  while (*at != index) at = &pool_.at(*at).next_same_frame;
  *at = page.next_same_frame;
  for (unsigned other = info->shadows; other; other = pool_.at(other).next_same_frame) {
    still_a_table |= pool_.at(other).role.has_guest_table();
  }
  if (!still_a_table) info->reasons = without(info->reasons, kTracePageTable);
  pool_.free(index);
  ++stats_.mmu_zapped_pages;
  need_flush_ = true;
}

// All shadows made from a guest table. Those that are active directories stay if `keep_roots`.
void ShadowMmu::zap_all_of(PageInfo* info, uint64_t frame, bool keep_roots) {
  for (unsigned index = info->shadows, next; index; index = next) {
    const ShadowPage& page = pool_.at(index);
    next = page.next_same_frame;
    if (!page.role.has_guest_table() || (keep_roots && page.roots)) continue;
    RING1_ASSERT(page.frame == frame);
    zap(index);
  }
}

}  // namespace ring1::shadowmmu
