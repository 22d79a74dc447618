// SPDX-License-Identifier: GPL-2.0-only
// The shadow pages: found by index, kept in order of their last use. Bounded.
#pragma once

#include "base/assert.h"
#include "shadowmmu/shadow_page.h"

namespace ring1::shadowmmu {

class ShadowPool {
 public:
  static constexpr unsigned kPerSlab = kPageSize / sizeof(ShadowPage), kSlabs = 256;
  static constexpr unsigned kMaxPages = kPerSlab * kSlabs - 1;

  ShadowPool(PageSource& source, unsigned max_pages)
      : source_(source), max_pages_(max_pages < kMaxPages ? max_pages : kMaxPages) {}

  ShadowPage& at(unsigned index) const {
    return static_cast<ShadowPage*>(slabs_[index / kPerSlab].va)[index % kPerSlab];
  }
  uint64_t& entry(Handle handle) const { return at(index_of(handle)).entries[position_of(handle)]; }
  Link& link(Handle handle) const { return at(index_of(handle)).links[position_of(handle)]; }

  // A page with all entries clear, the most recently used one. 0: none to be had.
  unsigned allocate();
  void free(unsigned index);  // all entries must be clear already
  bool give_back();           // memory of one free page to its source; false: none is free
  void touch(unsigned index);
  unsigned oldest() const { return oldest_; }
  unsigned count() const { return count_; }
  unsigned end() const { return used_; }  // indices in use are below
  void release();

 private:
  bool grow();
  void unlink(ShadowPage& page);
  void link_newest(unsigned index);

  PageSource& source_;
  unsigned max_pages_;
  unsigned used_ = 1, count_ = 0;
  uint16_t free_ = 0;  // with memory, chained through next_same_frame
  uint16_t bare_ = 0;  // without
  uint16_t oldest_ = 0, newest_ = 0;
  Page slabs_[kSlabs] = {};
};

}  // namespace ring1::shadowmmu
