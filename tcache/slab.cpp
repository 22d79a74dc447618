// SPDX-License-Identifier: GPL-2.0-only
#include "tcache/slab.h"

#include "base/assert.h"

namespace ring1::tcache {

Slab::Page* Slab::new_page(unsigned size_class) {
  auto* page = static_cast<Page*>(allocator_.allocate_page());
  if (!page) return nullptr;
  ++pages_;
  page->used = 0;
  page->size_class = static_cast<uint16_t>(size_class);
  page->free = nullptr;
  uint8_t* bytes = reinterpret_cast<uint8_t*>(page);
  const unsigned size = kBytes[size_class];
  for (unsigned at = sizeof(Page); at + size <= kPageSize; at += size) {
    *reinterpret_cast<void**>(bytes + at) = page->free;
    page->free = bytes + at;
  }
  list_push<&Page::in_class>(partial_[size_class], page);
  return page;
}

void* Slab::allocate(size_t bytes) {
  static_assert(sizeof(Page) == kPageSize - kMaxBytes);
  RING1_ASSERT(bytes <= kMaxBytes);
  unsigned size_class = 0;
  while (kBytes[size_class] < bytes) ++size_class;

  Page* page = partial_[size_class];
  if (!page && !(page = new_page(size_class))) return nullptr;
  void* record = page->free;
  page->free = *static_cast<void**>(record);
  ++page->used;
  if (!page->free) list_remove<&Page::in_class>(page);
  return record;
}

void Slab::release(void* record) {
  if (!record) return;
  auto* page = reinterpret_cast<Page*>(reinterpret_cast<uintptr_t>(record) & kPageMask);
  RING1_ASSERT(page->used);
  if (!page->free) list_push<&Page::in_class>(partial_[page->size_class], page);
  *static_cast<void**>(record) = page->free;
  page->free = record;
  if (--page->used == 0) {
    list_remove<&Page::in_class>(page);
    allocator_.release_page(page);
    --pages_;
  }
}

}  // namespace ring1::tcache
