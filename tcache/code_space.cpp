// SPDX-License-Identifier: GPL-2.0-only
#include "tcache/code_space.h"

#include "base/assert.h"

namespace ring1::tcache {

bool CodeSpace::init(Environment& environment, Allocator& allocator, uint32_t size) {
  const unsigned pages = size / kPageSize;
  RING1_ASSERT(pages && size % kPageSize == 0);
  environment_ = &environment;
  size_ = size;
  group_count_ = pages < kMaxGroups ? pages : kMaxGroups;
  group_bytes_ = pages / group_count_ * kPageSize;
  for (unsigned i = 0; i < group_count_; ++i) {
    groups_[i].begin = i ? i * group_bytes_ : kPrologueBytes;
    groups_[i].end = i + 1 < group_count_ ? (i + 1) * group_bytes_ : size;
    groups_[i].next = groups_[i].begin;
  }
  uint32_t end;
  return pages_.init(allocator, pages) && supply(0, kPrologueBytes, &end);
}

unsigned CodeSpace::group_of(uint32_t offset) const {
  const unsigned group = offset / group_bytes_;  // the last group also has the pages that do not divide
  return group < group_count_ ? group : group_count_ - 1;
}

bool CodeSpace::supply(uint32_t begin, uint32_t end, uint32_t* supplied_end) {
  for (unsigned i = begin / kPageSize; i * kPageSize < end; ++i) {
    void* page = pages_[i];
    if (!page && !environment_->code_page(i, &page)) {
      *supplied_end = i * kPageSize;
      return false;
    }
    pages_[i] = static_cast<uint8_t*>(page);
  }
  return true;
}

bool CodeSpace::try_group(unsigned index, uint32_t size, uint32_t* start) {
  Group& group = groups_[index];
  uint32_t end;
  if (group.end < group.next || group.end - group.next < size) return false;
  if (!supply(group.next, group.next + size, &end)) {
    // Out of memory: the group ends here for good.
    group.end = end > group.next ? end : group.next;
    return false;
  }
  *start = group.next;
  return true;
}

bool CodeSpace::place(uint32_t size, uint32_t* start) {
  if (try_group(current_, size, start)) return true;
  for (unsigned step = 1; step <= group_count_; ++step) {
    const unsigned index = (current_ + step) % group_count_;
    if (groups_[index].fragments || !try_group(index, size, start)) continue;
    current_ = index;
    groups_[index].opened = ++sequence_;
    return true;
  }
  return false;
}

void CodeSpace::commit(uint32_t start, uint32_t size) {
  Group& group = groups_[group_of(start)];
  RING1_ASSERT(start == group.next && size <= group.end - group.next);
  group.next += size;
  group.live_bytes += size;
  ++group.fragments;
}

void CodeSpace::release(uint32_t start, uint32_t size) {
  Group& group = groups_[group_of(start)];
  RING1_ASSERT(group.fragments && group.live_bytes >= size);
  group.live_bytes -= size;
  if (--group.fragments) return;
  group.next = group.begin;
  group.heat = 0;
}

// Aging, as for page replacement: recent use outweighs all earlier use together. Groups of any size are
// compared by the share of their pages that was touched.
void CodeSpace::sample() {
  for (unsigned i = 0; i < group_count_; ++i) {
    Group& group = groups_[i];
    const unsigned first = group.begin / kPageSize;
    const unsigned last = static_cast<unsigned>((group.next + kPageSize - 1) / kPageSize);
    unsigned accessed = 0;
    for (unsigned page = first; page < last; ++page) {
      if (pages_[page] && environment_->test_and_clear_accessed(page)) ++accessed;
    }
    group.heat /= 2;
    if (last > first) group.heat += (uint64_t{accessed} << 32) / (last - first);
  }
  environment_->accessed_sampled();
}

int CodeSpace::coldest() {
  sample();
  int best = -1;
  for (unsigned i = 0; i < group_count_; ++i) {
    const Group& group = groups_[i];
    // The group just filled is hot by nature, and what it holds is often still waiting for its first use.
    if (!group.fragments || (i == current_ && group_count_ > 1)) continue;
    if (best < 0 || group.heat < groups_[best].heat ||
        (group.heat == groups_[best].heat && group.opened < groups_[best].opened)) {
      best = static_cast<int>(i);
    }
  }
  if (best < 0 && groups_[current_].fragments) best = static_cast<int>(current_);
  return best;
}

void CodeSpace::write(uint32_t offset, const void* from, uint32_t size) {
  const auto* bytes = static_cast<const uint8_t*>(from);
  while (size) {
    const uint32_t at = offset % kPageSize;
    const uint32_t piece = size < kPageSize - at ? size : static_cast<uint32_t>(kPageSize - at);
    __builtin_memcpy(pages_[offset / kPageSize] + at, bytes, piece);
    offset += piece, bytes += piece, size -= piece;
  }
}

uint32_t CodeSpace::read32(uint32_t offset) const {
  uint32_t value = 0;
  for (unsigned i = 0; i < 4; ++i, ++offset) {
    value |= uint32_t{pages_[offset / kPageSize][offset % kPageSize]} << (8 * i);
  }
  return value;
}

}  // namespace ring1::tcache
