// SPDX-License-Identifier: GPL-2.0-only
// Random numbers that a seed repeats, on every machine and with every library.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ring1::fuzz {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  // SplitMix64.
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  uint64_t below(uint64_t end) { return end ? next() % end : 0; }
  bool one_in(uint64_t n) { return below(n) == 0; }
  template <class T, size_t kCount>
  const T& of(const T (&values)[kCount]) {
    return values[below(kCount)];
  }

  // A number of the kind that breaks programs: near a power of two, small, or just any.
  uint64_t odd_number() {
    const uint64_t near = (uint64_t{1} << below(64)) + below(5) - 2;
    switch (below(4)) {
      case 0: return near;
      case 1: return 0 - near;
      case 2: return below(9);
      default: return next();
    }
  }

 private:
  uint64_t state_;
};

// The seed of a part of a run.
inline uint64_t derived(uint64_t seed, uint64_t part) { return Random(seed ^ Random(part).next()).next(); }

}  // namespace ring1::fuzz
