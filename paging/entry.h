// SPDX-License-Identifier: GPL-2.0-only
// Bits of a page-table entry: those the guest's formats and long mode's have in common (SDM 3A 4.3 to 4.5).
#pragma once

#include <cstdint>

namespace ring1::paging::entry {

inline constexpr uint64_t kPresent = 1u << 0, kWrite = 1u << 1, kUser = 1u << 2, kAccessed = 1u << 5;
inline constexpr uint64_t kDirty = 1u << 6, kLarge = 1u << 7, kGlobal = 1u << 8;
inline constexpr uint64_t kNoExecute = uint64_t{1} << 63;
inline constexpr uint64_t kFrame = 0x000f'ffff'ffff'f000;

// Bits `low` to `high`, both included.
constexpr uint64_t bits(unsigned low, unsigned high) {
  return low > high ? 0 : (~uint64_t{0} >> (63 - high)) & (~uint64_t{0} << low);
}

}  // namespace ring1::paging::entry
