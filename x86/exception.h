// SPDX-License-Identifier: GPL-2.0-only
// Exception vectors (SDM 3A 6.3.1) and the error code of a page fault (SDM 3A 4.7).
#pragma once

#include <cstdint>

namespace ring1 {

enum class Vector : uint8_t {
  kDe = 0,
  kDb = 1,
  kNmi = 2,
  kBp = 3,
  kOf = 4,
  kBr = 5,
  kUd = 6,
  kNm = 7,
  kDf = 8,
  kTs = 10,
  kNp = 11,
  kSs = 12,
  kGp = 13,
  kPf = 14,
  kMf = 16,
  kAc = 17,
  kMc = 18,
  kXm = 19,
};

namespace page_fault {
inline constexpr uint32_t kPresent = 1u << 0;
inline constexpr uint32_t kWrite = 1u << 1;
inline constexpr uint32_t kUser = 1u << 2;
inline constexpr uint32_t kReserved = 1u << 3;
inline constexpr uint32_t kFetch = 1u << 4;
}  // namespace page_fault

constexpr bool pushes_error_code(Vector vector) {
  switch (vector) {
    case Vector::kDf:
    case Vector::kTs:
    case Vector::kNp:
    case Vector::kSs:
    case Vector::kGp:
    case Vector::kPf:
    case Vector::kAc: return true;
    default: return false;
  }
}

}  // namespace ring1
