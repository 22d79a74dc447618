// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/world/page_pool.h"

#include "monitor/world/freestanding.h"

namespace ring1::monitor {
namespace {

constexpr unsigned kZeroWork = kPageSize + 100;  // instructions, a string instruction's turns being some; for Host::work()

}  // namespace

void* PagePool::allocate_page() {
  host_.work(kZeroWork);
  if (!free_) {
    const unsigned given = host_.pages(RING1_PAGES_MAX);
    for (unsigned i = given; i-- > 0;) release_page(host_.pointer(host_.page_hpa(i)));
  }
  if (!free_) return nullptr;
  void* page = free_;
  free_ = free_->next;
  memset(page, 0, kPageSize);
  return page;
}

void PagePool::release_page(void* page) {
  auto* freed = static_cast<FreePage*>(page);
  freed->next = free_;
  free_ = freed;
}

bool PagePool::allocate(paging::Page* page) {
  page->va = allocate_page();
  if (!page->va) return false;
  page->hpa = hpa_of(page->va);
  return true;
}

void PagePool::release(paging::Page page) { release_page(page.va); }

}  // namespace ring1::monitor
