// SPDX-License-Identifier: GPL-2.0-only
#include "shadowmmu/shadow_pool.h"

namespace ring1::shadowmmu {

static_assert(ShadowPool::kMaxPages < 1u << 16);

uint64_t ShadowPage::entry_of(const uint8_t* where, unsigned index) const {
  if (role.guest_entry_bytes() == 8) return reinterpret_cast<const uint64_t*>(where)[index];
  const auto* table = reinterpret_cast<const uint32_t*>(where);
  // A 32-bit directory entry spans two of ours.
  if (role.is_directory()) return table[role.quadrant * (kEntries / 2) + index / 2];
  return table[role.quadrant * kEntries + index];
}

void ShadowPool::unlink(ShadowPage& page) {
  (page.newer ? at(page.newer).older : newest_) = page.older;
  (page.older ? at(page.older).newer : oldest_) = page.newer;
}

void ShadowPool::link_newest(unsigned index) {
  ShadowPage& page = at(index);
  page.older = newest_;
  page.newer = 0;
  (newest_ ? at(newest_).newer : oldest_) = static_cast<uint16_t>(index);
  newest_ = static_cast<uint16_t>(index);
}

void ShadowPool::touch(unsigned index) {
  if (newest_ == index) return;
  unlink(at(index));
  link_newest(index);
}

// Takes memory for one more page and puts it on the free list.
bool ShadowPool::grow() {
  if (!bare_) {
    if (used_ > max_pages_) return false;
    Page& slab = slabs_[used_ / kPerSlab];
    if (!slab.va && !source_.allocate(&slab)) return false;
    at(used_) = ShadowPage{};
    bare_ = static_cast<uint16_t>(used_++);
  }
  Page table, links;
  if (!source_.allocate(&table)) return false;
  if (!source_.allocate(&links)) {
    source_.release(table);
    return false;
  }
  const uint16_t index = bare_;
  ShadowPage& page = at(index);
  bare_ = page.next_same_frame;
  page.entries = static_cast<uint64_t*>(table.va);
  page.links = static_cast<Link*>(links.va);
  page.hpa = table.hpa;
  page.links_hpa = links.hpa;
  page.next_same_frame = free_;
  free_ = static_cast<uint16_t>(index);
  return true;
}

unsigned ShadowPool::allocate() {
  if (!free_ && !grow()) return 0;
  const unsigned index = free_;
  ShadowPage& page = at(index);
  free_ = page.next_same_frame;
  page.next_same_frame = 0;
  page.live = true;
  page.parents = 0;
  page.hole_epoch = 0;
  page.hole_collides = false;
  page.guest = {};
  ++count_;
  link_newest(index);
  return index;
}

void ShadowPool::free(unsigned index) {
  ShadowPage& page = at(index);
  RING1_ASSERT(page.live && page.present == 0 && page.parents == 0 && page.roots == 0);
  unlink(page);
  page.live = false;
  page.next_same_frame = free_;
  free_ = static_cast<uint16_t>(index);
  --count_;
}

bool ShadowPool::give_back() {
  if (!free_) return false;
  const uint16_t index = free_;
  ShadowPage& page = at(index);
  free_ = page.next_same_frame;
  source_.release({page.hpa, page.entries});
  source_.release({page.links_hpa, page.links});
  page.entries = nullptr;
  page.links = nullptr;
  page.next_same_frame = bare_;
  bare_ = index;
  return true;
}

void ShadowPool::release() {
  for (unsigned index = 1; index < used_; ++index) {
    const ShadowPage& page = at(index);
    if (!page.entries) continue;
    source_.release({page.hpa, page.entries});
    source_.release({page.links_hpa, page.links});
  }
  for (Page& slab : slabs_) {
    if (slab.va) source_.release(slab);
    slab = {};
  }
  used_ = 1;
  count_ = 0;
  free_ = bare_ = oldest_ = newest_ = 0;
}

}  // namespace ring1::shadowmmu
