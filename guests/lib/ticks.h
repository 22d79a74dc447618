// SPDX-License-Identifier: GPL-2.0-only
// A periodic timer's interrupts, each beside the time at which it was due by the TSC.
#pragma once

#include "interval.h"

namespace guest {

class Ticks {
 public:
  static constexpr uint32_t kMostLatencies = 70'000;

  // `period` in nanoseconds; `program` starts the timer. Rate: cycles of the TSC in a second.
  void start(uint32_t period, uint64_t rate, void (*program)());
  void arrived();  // in the handler

  uint32_t count() const { return count_; }
  // How many were due at the latest, and for certain, by now.
  Interval due() const;
  // Those that may have been dropped by the rules: somebody else had the processor for very many in a row.
  uint64_t excused() const { return excused_; }
  // Cycles from when it was due to the handler, of the worst tick but so many per 100,000.
  uint64_t latency_but(uint32_t per_100000);

 private:
  Interval begin_{};
  uint64_t rate_ = 0, last_ = 0, excused_ = 0;
  uint32_t period_ = 0;
  volatile uint32_t count_ = 0;
  bool sorted_ = false;
};

}  // namespace guest
