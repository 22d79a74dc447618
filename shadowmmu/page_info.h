// SPDX-License-Identifier: GPL-2.0-only
// What the MMU knows of each guest page: who maps it, which shadows stand for it, why its writes are traced.
#pragma once

#include "shadowmmu/paging_names.h"

namespace ring1::shadowmmu {

struct PageInfo {
  uint32_t mappings = 0;    // first shadow entry that maps the page (a handle, see shadow_page.h)
  uint16_t shadows = 0;     // first shadow page made from this guest page
  uint8_t reasons = 0;      // TraceReason
  uint8_t run = 0;          // writes to consecutive entries under trace
  uint16_t writes = 0;      // writes under trace since a shadow was last used
  uint16_t last_write = 0;  // offset in the page
  uint32_t unused = 0;
};
static_assert(sizeof(PageInfo) == 16);

// A sparse array over the frame number: three levels of pages.
class PageInfos {
 public:
  static constexpr uint64_t kMaxFrames = uint64_t{1} << 24;  // 64 GiB

  explicit PageInfos(PageSource& source) : source_(source) {}

  PageInfo* find(uint64_t frame) const {
    if (frame >= kMaxFrames) return nullptr;
    const auto* node = static_cast<const Page*>(top_[frame >> 16].va);
    if (!node) return nullptr;
    auto* leaf = static_cast<PageInfo*>(node[frame >> 8 & 255].va);
    return leaf ? leaf + (frame & 255) : nullptr;
  }
  // Null: no memory, or the frame is out of range.
  PageInfo* get(uint64_t frame);
  // The first frame from `frame` on that may have a PageInfo; kMaxFrames if there is none.
  uint64_t next(uint64_t frame) const;
  void release();

 private:
  bool fill(Page* page) { return page->va || source_.allocate(page); }

  PageSource& source_;
  Page top_[256] = {};
};

}  // namespace ring1::shadowmmu
