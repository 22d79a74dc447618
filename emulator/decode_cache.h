// SPDX-License-Identifier: GPL-2.0-only
// Instructions already decoded, found by linear address and believed only if the bytes fetched now are the
// same: so nobody has to invalidate anything. Decoding takes more than half of the time of a step without it.
#pragma once

#include "emulator/decode.h"

namespace ring1::emulator {

class DecodeCache {
 public:
  static constexpr unsigned kEntries = 128;
  static constexpr unsigned kMaxLength = InstructionBytes::kMax;

  struct Entry {
    uint64_t linear;
    ZydisMachineMode mode;
    uint8_t length = 0;  // 0: empty
    uint8_t bytes[kMaxLength];
    Decoded decoded;
  };

  // The entry for this address in this mode if it is in use, or null.
  const Entry* find(uint64_t linear, ZydisMachineMode mode) const {
    const Entry& entry = entries_[slot(linear)];
    return entry.length && entry.linear == linear && entry.mode == mode ? &entry : nullptr;
  }
  // Where to decode the instruction at this address; drops what was there.
  Entry& replace(uint64_t linear, ZydisMachineMode mode) {
    Entry& entry = entries_[slot(linear)];
    entry.length = 0;
    entry.linear = linear;
    entry.mode = mode;
    return entry;
  }

 private:
  static unsigned slot(uint64_t linear) { return (linear ^ linear >> 7) % kEntries; }

  Entry entries_[kEntries] = {};
};

}  // namespace ring1::emulator
