// SPDX-License-Identifier: GPL-2.0-only
// Entries of the extended page tables (SDM 3C 29.3.2, table 29-1 and following) for nested_tables.h.
#pragma once

#include <cstdint>

#include "base/address.h"

namespace ring1::hwaccel::vmx {

struct EptFormat {
  static constexpr uint64_t kRead = 1u << 0, kWrite = 1u << 1, kExecute = 1u << 2, kIgnorePat = 1u << 6;
  static constexpr uint64_t kLarge = 1u << 7, kAccessed = 1u << 8, kDirty = 1u << 9;
  static constexpr uint64_t kFrame = 0x000f'ffff'ffff'f000;
  static constexpr unsigned kTypeShift = 3;
  static constexpr uint64_t kWriteBack = 6;

  // Writable and not readable: a misconfiguration, whose exit costs no walk of our tables (29.3.3.1).
  static constexpr uint64_t kDevice = kWrite;

  static constexpr bool present(uint64_t entry) { return entry & kRead; }
  static constexpr bool device(uint64_t entry) { return (entry & (kRead | kWrite | kExecute)) == kDevice; }
  static constexpr bool large(uint64_t entry) { return entry & kLarge; }
  static constexpr bool writable(uint64_t entry) { return entry & kWrite; }
  static constexpr bool dirty(uint64_t entry) { return entry & kDirty; }
  static constexpr uint64_t frame(uint64_t entry) { return entry & kFrame; }

  static constexpr uint64_t table(Hpa page) { return page.raw() | kRead | kWrite | kExecute; }
  // Guest memory is ordinary memory, whatever the guest's MTRRs and PAT say: no device of the host is behind it.
  static constexpr uint64_t leaf(Hpa page, bool write, bool is_large) {
    return page.raw() | kRead | (write ? kWrite : 0) | kExecute | kWriteBack << kTypeShift | kIgnorePat |
           (is_large ? kLarge : 0);
  }
  static constexpr uint64_t protect(uint64_t entry) { return entry & ~kWrite; }
  static constexpr uint64_t clean(uint64_t entry) { return entry & ~kDirty; }
};

}  // namespace ring1::hwaccel::vmx
