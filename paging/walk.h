// SPDX-License-Identifier: GPL-2.0-only
// What a walk of the guest's tables finds.
#pragma once

#include <cstdint>

#include "base/address.h"
#include "x86/fault.h"

namespace ring1::paging {

// What the guest has in a range of its linear addresses, the worst last.
enum class Cover : uint8_t {
  kFree,
  kNoRam,  // only large pages without RAM behind them, and not the APICs: a map of everything
  kUsed,   // a small page is mapped on purpose, whatever is behind it
};

// One walk of the guest's tables, and the entries it depended on.
struct Walk {
  bool ok = false;
  Fault fault{};  // if !ok
  Gpa gpa;                  // of the byte
  uint64_t page_bytes = 4096;
  static constexpr unsigned kMaxLevels = 5;
  struct Entry {
    Gpa where;
    uint64_t value;
  } entries[kMaxLevels];
  uint8_t entry_count = 0;
  bool writable = false, user = false, no_execute = false, global = false, dirty = false;
  bool blocked = false;  // !ok because the host could not supply a table's page
};

}  // namespace ring1::paging
