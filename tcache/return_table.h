// SPDX-License-Identifier: GPL-2.0-only
// The table behind GS through which returns and indirect branches stay in the cache. Slots go by the low 16 bits
// of the target's EIP; the last writer wins, and what is found behind an entry checks the full EIP itself.
#pragma once

#include <cstdint>

#include "tcache/environment.h"
#include "translator/shared_page.h"

namespace ring1::tcache {

class ReturnTable {
 public:
  static constexpr unsigned kPages = 4 * translator::kReturnTableEntries / kPageSize;

  [[nodiscard]] bool init(Environment& environment);

  void fill(uint32_t miss);     // every slot leads to the miss stub
  void move(uint32_t distance);  // of all that the slots lead to
  uint32_t get(uint32_t eip) const { return slot(eip); }
  void set(uint32_t eip, uint32_t address) { slot(eip) = address; }
  // Only if the slot still leads to `address`.
  void clear(uint32_t eip, uint32_t address) {
    if (slot(eip) == address) slot(eip) = miss_;
  }

 private:
  static constexpr unsigned kPerPage = kPageSize / sizeof(uint32_t);
  uint32_t& slot(uint32_t eip) const {
    const uint32_t index = eip % translator::kReturnTableEntries;
    return pages_[index / kPerPage][index % kPerPage];
  }

  Environment* environment_ = nullptr;
  uint32_t* pages_[kPages] = {};
  uint32_t miss_ = 0;
};

}  // namespace ring1::tcache
