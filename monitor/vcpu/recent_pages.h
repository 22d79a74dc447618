// SPDX-License-Identifier: GPL-2.0-only
// Where the pages lie that one emulated instruction, or the delivery of one event, has touched so far. Most touch a
// page several times (a frame on the stack, descriptors of one table), and to find it takes hundreds of instructions. A
// processor's TLB does the same until somebody invalidates it (SDM 3A 4.10.2); here it ends with the instruction.
#pragma once

#include <cstdint>

#include "base/address.h"
#include "paging/mode.h"

namespace ring1::monitor {

class RecentPages {
 public:
  struct Page {
    Gva linear;
    Gpa physical;
    uint8_t access;   // for which it was found
    uint8_t* memory;  // may be read, or written if that was the access
  };

  // Nothing is kept outside of begin() and end().
  void begin() { running_ = true, count_ = 0; }
  void end() { running_ = false, count_ = 0; }
  void forget() { count_ = 0; }
  bool running() const { return running_; }

  // Null: not touched so far, or not memory.
  const Page* find(Gva address, paging::Access access) const {
    const Gva linear = address.page();
    const uint8_t bits = bits_of(access);
    for (unsigned i = 0; i < count_; i++)
      if (pages_[i].linear == linear && pages_[i].access == bits) return &pages_[i];
    return nullptr;
  }
  void add(Gva address, paging::Access access, Gpa physical, void* memory) {
    if (count_ == kPages) count_ = 0;
    pages_[count_++] = {address.page(), physical.page(), bits_of(access), static_cast<uint8_t*>(memory)};
  }

 private:
  // Code, stack, IDT, GDT, TSS, and data.
  static constexpr unsigned kPages = 8;

  static uint8_t bits_of(paging::Access a) {
    return static_cast<uint8_t>(a.write | a.user << 1 | a.fetch << 2 | a.ac << 3);
  }

  Page pages_[kPages];
  unsigned count_ = 0;
  bool running_ = false;
};

}  // namespace ring1::monitor
