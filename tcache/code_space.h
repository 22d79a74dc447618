// SPDX-License-Identifier: GPL-2.0-only
// The bytes of the cache: groups filled one after the other, and which group was used least recently.
#pragma once

#include <cstdint>

#include "tcache/environment.h"
#include "tcache/page_array.h"

namespace ring1::tcache {

class CodeSpace {
 public:
  static constexpr unsigned kMaxGroups = 16;
  static constexpr uint32_t kPrologueBytes = 64;  // at offset 0, never evicted: the miss stub

  struct Group {
    uint32_t begin = 0, end = 0;  // offsets
    uint32_t next = 0;            // first free byte
    uint32_t fragments = 0;
    uint32_t live_bytes = 0;
    uint64_t heat = 0;    // grows with accessed pages, halves with every sample
    uint64_t opened = 0;  // sequence number, breaks ties: the older goes
  };

  [[nodiscard]] bool init(Environment& environment, Allocator& allocator, uint32_t size);

  // Room for `size` bytes in the group being filled or in an empty one. false: a group must be evicted.
  bool place(uint32_t size, uint32_t* start);
  void commit(uint32_t start, uint32_t size);
  void release(uint32_t start, uint32_t size);

  // The least recently used group that holds fragments, after a fresh sample; -1: all are empty.
  int coldest();

  void write(uint32_t offset, const void* from, uint32_t size);
  uint32_t read32(uint32_t offset) const;

  uint32_t size() const { return size_; }
  unsigned group_of(uint32_t offset) const;
  unsigned group_count() const { return group_count_; }
  const Group& group(unsigned index) const { return groups_[index]; }

 private:
  bool supply(uint32_t begin, uint32_t end, uint32_t* supplied_end);
  bool try_group(unsigned index, uint32_t size, uint32_t* start);
  void sample();

  Environment* environment_ = nullptr;
  PageArray<uint8_t*> pages_;  // writable aliases, nullptr until supplied
  uint32_t size_ = 0, group_bytes_ = 0;
  unsigned group_count_ = 0, current_ = 0;
  uint64_t sequence_ = 0;
  Group groups_[kMaxGroups];
};

}  // namespace ring1::tcache
