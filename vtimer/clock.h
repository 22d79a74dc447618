// SPDX-License-Identifier: GPL-2.0-only
// Virtual time in nanoseconds, derived from the processor's time-stamp counter. All devices count in it.
#pragma once

#include <cstdint>

#include "vtimer/ratio.h"

namespace ring1::vtimer {

inline constexpr uint64_t kNoDeadline = ~uint64_t{0};

class Clock {
 public:
  // Virtual time is `ns` at the counter's value `tsc`. tsc_khz must not be 0.
  void start(uint32_t tsc_khz, uint64_t tsc, uint64_t ns = 0);

  // Virtual time; a counter from before the start counts as the start.
  uint64_t ns(uint64_t tsc) const;
  // The first counter value at which that time is reached; kNoDeadline stays kNoDeadline.
  uint64_t tsc(uint64_t ns) const;

  // The *active* policy: take out counts in which the machine did not run. Or, as a negative number modulo 2^64, put in
  // what the counter lost when it started again.
  void skip(uint64_t cycles) { base_tsc_ += cycles; }

 private:
  Ratio to_ns_, to_tsc_;
  uint64_t base_tsc_ = 0, base_ns_ = 0;
};

}  // namespace ring1::vtimer
