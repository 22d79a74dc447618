// SPDX-License-Identifier: GPL-2.0-only
// Guest physical memory: which host page backs a guest page. Filled page by page through the host, which may take a page
// back whenever it is visited.
#pragma once

#include "monitor/world/host.h"
#include "monitor/world/page_pool.h"
#include "paging/guest_memory.h"

namespace ring1::monitor {

class GuestMemory final : public paging::GuestMemory {
 public:
  GuestMemory(Host& host, PagePool& pool) : host_(host), pool_(pool) {}

  paging::Backing page(Gpa page, Hpa* hpa, paging::GuestPointer* va) override;
  paging::Backing page_for_write(Gpa page, Hpa* hpa, paging::GuestPointer* va) override;

  paging::Backing known(Gpa page, Hpa* hpa, paging::GuestPointer* va) override;

  // These pages are no longer the guest's.
  void forget(uint64_t gfn, uint64_t count);
  // Those that are RAM are clean now: the host is asked before the next write to each.
  void log_dirty(uint64_t gfn, uint64_t count);

 private:
  static constexpr uint64_t kKnown = 1, kWritable = 2, kClean = 4;
  static constexpr unsigned kLeafEntries = 512, kTopPages = 4;  // 4 GiB of guest memory
  static constexpr uint64_t kMaxGfn = uint64_t{kTopPages} * 512 * kLeafEntries;

  uint64_t* slot(uint64_t gfn, bool create);
  bool make_room(uint64_t first, uint64_t last);
  unsigned unknown_from(uint64_t gfn);
  paging::Backing pin(uint64_t gfn, unsigned count, bool write);

  Host& host_;
  PagePool& pool_;
  uint64_t** top_[kTopPages] = {};
};

}  // namespace ring1::monitor
