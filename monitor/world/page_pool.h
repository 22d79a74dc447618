// SPDX-License-Identifier: GPL-2.0-only
// Pages of the monitor's memory, got from the host in batches. They are given back when the world ends.
#pragma once

#include "monitor/world/host.h"
#include "paging/page_source.h"

namespace ring1::monitor {

class PagePool final : public paging::PageSource {
 public:
  explicit PagePool(Host& host) : host_(host) {}

  bool allocate(paging::Page* page) override;
  void release(paging::Page page) override;

  // The same for memory that is no page table; nullptr: out of memory.
  void* allocate_page();
  void release_page(void* page);

  Hpa hpa_of(const void* page) const { return Hpa(reinterpret_cast<uint64_t>(page) - host_.switch_page().direct_map); }

 private:
  struct FreePage {
    FreePage* next;
  };

  Host& host_;
  FreePage* free_ = nullptr;
};

}  // namespace ring1::monitor
