// SPDX-License-Identifier: GPL-2.0-only
#include "vtimer/clock.h"

#include "base/assert.h"

namespace ring1::vtimer {

namespace {
constexpr uint64_t kNsPerMs = 1'000'000;
}

void Clock::start(uint32_t tsc_khz, uint64_t tsc, uint64_t ns) {
  RING1_ASSERT(tsc_khz);
  to_ns_ = Ratio(kNsPerMs, tsc_khz);
  to_tsc_ = Ratio(tsc_khz, kNsPerMs);
  base_tsc_ = tsc;
  base_ns_ = ns;
}

uint64_t Clock::ns(uint64_t tsc) const {
  return static_cast<int64_t>(tsc - base_tsc_) <= 0 ? base_ns_ : base_ns_ + to_ns_.apply(tsc - base_tsc_);
}

uint64_t Clock::tsc(uint64_t ns) const {
  if (ns == kNoDeadline) return kNoDeadline;
  if (ns <= base_ns_) return base_tsc_;
  uint64_t tsc = base_tsc_ + to_tsc_.apply(ns - base_ns_);
  // Both conversions round down: a few counts more until the way back agrees.
  while (this->ns(tsc) < ns) ++tsc;
  return tsc;
}

}  // namespace ring1::vtimer
