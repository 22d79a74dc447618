// SPDX-License-Identifier: GPL-2.0-only
// Entries of nested page tables (APM 2 15.25, 5.3) for nested_tables.h. They are ordinary long-mode entries; every
// access of the guest counts as one of user code.
#pragma once

#include <cstdint>

#include "base/address.h"

namespace ring1::hwaccel::svm {

struct NptFormat {
  static constexpr uint64_t kPresent = 1u << 0, kWrite = 1u << 1, kUser = 1u << 2, kAccessed = 1u << 5;
  static constexpr uint64_t kDirty = 1u << 6, kLarge = 1u << 7;
  static constexpr uint64_t kFrame = 0x000f'ffff'ffff'f000;

  // Nothing is quicker than a missing entry; a bit that the processor ignores tells it from one not filled yet.
  static constexpr uint64_t kDevice = 1u << 9;

  static constexpr bool present(uint64_t entry) { return entry & kPresent; }
  static constexpr bool device(uint64_t entry) { return (entry & (kPresent | kDevice)) == kDevice; }
  static constexpr bool large(uint64_t entry) { return entry & kLarge; }
  static constexpr bool writable(uint64_t entry) { return entry & kWrite; }
  static constexpr bool dirty(uint64_t entry) { return entry & kDirty; }
  static constexpr uint64_t frame(uint64_t entry) { return entry & kFrame; }

  static constexpr uint64_t table(Hpa page) { return page.raw() | kPresent | kWrite | kUser | kAccessed; }
  static constexpr uint64_t leaf(Hpa page, bool write, bool is_large) {
    return page.raw() | kPresent | kUser | kAccessed | (write ? kWrite : 0) | (is_large ? kLarge : 0);
  }
  static constexpr uint64_t protect(uint64_t entry) { return entry & ~kWrite; }
  static constexpr uint64_t clean(uint64_t entry) { return entry & ~kDirty; }
};

}  // namespace ring1::hwaccel::svm
