// SPDX-License-Identifier: GPL-2.0-only
// Guest pages whose memory went, which shadow tables, nested tables and the translation cache may still lead to. The
// news comes with any visit to the host, in the middle of anything, so only the list is made there. The engine works it
// off between two stays in the guest, and enters the guest only when it is empty.
#pragma once

#include <cstdint>

namespace ring1::monitor {

class Withdrawals {
 public:
  bool empty() const { return count_ == 0; }

  void add(uint64_t gfn, uint64_t count) {
    if (count_ == kRanges) {
      ranges_[0] = {0, kEverything};
      count_ = 1;
    } else {
      ranges_[count_++] = {gfn, count};
    }
  }

  // The next few pages to forget; not when empty().
  void take(uint64_t most, uint64_t* gfn, uint64_t* count) {
    Range& last = ranges_[count_ - 1];
    *gfn = last.gfn;
    *count = last.count < most ? last.count : most;
    last.gfn += *count;
    last.count -= *count;
    if (!last.count) count_--;
  }

 private:
  static constexpr unsigned kRanges = 64;
  static constexpr uint64_t kEverything = uint64_t{1} << 20;  // 4 GiB

  struct Range {
    uint64_t gfn, count;
  };
  Range ranges_[kRanges];
  unsigned count_ = 0;
};

}  // namespace ring1::monitor
