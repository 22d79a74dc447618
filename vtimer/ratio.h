// SPDX-License-Identifier: GPL-2.0-only
// A fraction of two frequencies in 64.64 fixed point, applied without division: the freestanding monitor has no
// 128-bit division, and a conversion is on the way of every timer access.
#pragma once

#include <cstdint>

namespace ring1::vtimer {

class Ratio {
 public:
  constexpr Ratio() = default;

  // Rounded down: apply(n) falls short of n * numerator / denominator by less than 1 + n / 2^64.
  constexpr Ratio(uint64_t numerator, uint64_t denominator) : whole_(numerator / denominator), fraction_(0) {
    uint64_t rest = numerator % denominator;
    for (int bit = 0; bit < 64; ++bit) {  // long division; rest < denominator < 2^63
      rest <<= 1;
      fraction_ <<= 1;
      if (rest < denominator) continue;
      rest -= denominator;
      fraction_ |= 1;
    }
  }

  constexpr uint64_t apply(uint64_t n) const {
    return n * whole_ + static_cast<uint64_t>(static_cast<unsigned __int128>(n) * fraction_ >> 64);
  }

 private:
  uint64_t whole_ = 0, fraction_ = 0;
};

}  // namespace ring1::vtimer
