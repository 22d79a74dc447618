// SPDX-License-Identifier: GPL-2.0-only
// Times that are known to lie between two readings of the time-stamp counter. However long somebody else has the
// processor between two instructions, what follows from such bounds stays true; it only says less.
#pragma once

#include "cpu.h"

namespace guest {

struct Interval {
  uint64_t low, high;

  uint64_t width() const { return high - low; }
  bool empty() const { return low > high; }
};

// From a moment in `from` to a later one in `to`.
inline Interval elapsed(const Interval& from, const Interval& to) {
  return {to.low > from.high ? to.low - from.high : 0, to.high > from.low ? to.high - from.low : 0};
}

inline Interval both(const Interval& a, const Interval& b) {
  return {a.low > b.low ? a.low : b.low, a.high < b.high ? a.high : b.high};
}

// Nothing is known.
inline constexpr Interval kAnytime{0, ~uint64_t{0}};

// Wider by one part in `parts` at either end.
inline Interval widened(const Interval& i, uint64_t parts) {
  const uint64_t high = i.high + i.high / parts;
  return {i.low - i.low / parts, high < i.high ? kAnytime.high : high};
}

// What `read` returned, and when. Of some tries the one that took least.
template <typename Read>
Interval when(Read read, uint32_t* value) {
  Interval best = kAnytime;
  for (unsigned i = 0; i < 4; ++i) {
    const uint64_t before = rdtsc();
    const uint32_t got = read();
    const Interval here{before, rdtsc()};
    if (here.width() >= best.width()) continue;
    best = here;
    *value = got;
  }
  return best;
}

}  // namespace guest
