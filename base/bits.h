// SPDX-License-Identifier: GPL-2.0-only
// Sets of bits in types narrower than int, to which C++ promotes them.
#pragma once

#include <concepts>

namespace ring1 {

template <std::unsigned_integral T, class Bits>
constexpr T without(T set, Bits bits) {
  return static_cast<T>(set & ~static_cast<T>(bits));
}

// Counts on, and stays at the greatest value.
template <std::unsigned_integral T>
constexpr void count_up(T* counter) {
  if (*counter != static_cast<T>(~T{0})) ++*counter;
}

}  // namespace ring1
