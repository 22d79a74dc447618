// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/run/tsc_clock.h"

#include <x86intrin.h>

#include <ctime>

namespace ring1::vmm {

namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000, kNsPerMs = 1'000'000;

uint64_t count(uint32_t khz) {
  if (khz != 0) return __rdtsc();
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<uint64_t>(time.tv_sec) * kNsPerSecond + static_cast<uint64_t>(time.tv_nsec);
}

}  // namespace

TscClock::TscClock(uint32_t khz) : khz_(khz), begin_(count(khz)) {}

uint64_t TscClock::ns() const {
  const uint64_t now = count(khz_);
  const uint64_t passed = now > begin_ ? now - begin_ : 0;
  if (khz_ == 0) return passed;
  return static_cast<uint64_t>(static_cast<unsigned __int128>(passed) * kNsPerMs / khz_);
}

}  // namespace ring1::vmm
