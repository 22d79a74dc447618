// SPDX-License-Identifier: GPL-2.0-only
// The rate at which a guest of KVM's clock turns counts of its TSC into nanoseconds:
//   ns = (count shifted by `shift`, left if positive) * multiplier / 2^32
#pragma once

#include <cstdint>

#include "base/assert.h"

namespace ring1::vtimer {

struct PvclockScale {
  uint32_t multiplier = 0;  // at least 2^31
  int8_t shift = 0;

  // Rounded down, so that a guest's clock is never ahead of the exact one: a page that is written anew, from the exact
  // one, then moves it forward only.
  static constexpr PvclockScale of(uint32_t tsc_khz) {
    RING1_ASSERT(tsc_khz);
    uint64_t ns = 1'000'000, counts = tsc_khz;  // per millisecond
    PvclockScale scale;
    for (; counts <= ns; counts <<= 1) scale.shift++;
    for (; counts > 2 * ns; ns <<= 1) scale.shift--;
    scale.multiplier = static_cast<uint32_t>((ns << 32) / counts);
    return scale;
  }

  // What the guest computes.
  constexpr uint64_t ns(uint64_t count) const {
    count = shift < 0 ? count >> -shift : count << shift;
    return static_cast<uint64_t>(static_cast<unsigned __int128>(count) * multiplier >> 32);
  }
};

}  // namespace ring1::vtimer
