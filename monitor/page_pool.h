// SPDX-License-Identifier: GPL-2.0-only
// Pages of the monitor's memory, got from the host in batches. They are given back when the world ends.
#pragma once

#include "monitor/host.h"
#include "shadowmmu/shadow_mmu.h"
#include "tcache/environment.h"

namespace ring1::monitor {

class PagePool final : public shadowmmu::PageSource, public tcache::Allocator {
 public:
  explicit PagePool(Host& host) : host_(host) {}

  bool allocate(shadowmmu::Page* page) override;
  void release(shadowmmu::Page page) override;

  void* allocate_page() override;
  void release_page(void* page) override;

  Hpa hpa_of(const void* page) const { return Hpa(reinterpret_cast<uint64_t>(page) - host_.switch_page().direct_map); }

 private:
  struct FreePage {
    FreePage* next;
  };

  Host& host_;
  FreePage* free_ = nullptr;
};

}  // namespace ring1::monitor
