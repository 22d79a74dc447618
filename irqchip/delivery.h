// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>

namespace ring1::irqchip {

// What became of a rising line. In this order, so that the better of two controllers' answers is the maximum.
enum class Delivery : uint8_t {
  kMasked,     // nobody listens
  kCoalesced,  // the same interrupt was pending already: the guest will see one where there were two
  kDelivered,
};

inline constexpr uint64_t kNoDeadline = ~uint64_t{0};

}  // namespace ring1::irqchip
