// SPDX-License-Identifier: GPL-2.0-only
// What a sleep of the host takes from its time-stamp counter, and the clock that gets it back.
#include "include/ring1/tsc_restart.h"

#include <gtest/gtest.h>

#include "vtimer/clock.h"

namespace ring1::vtimer {
namespace {

constexpr uint64_t kKhz = 2'000'000, kSecond = kKhz * 1000;

TEST(TscRestart, CountedOn) {
  EXPECT_EQ(ring1_tsc_missing(100 * kSecond, 110 * kSecond, 10'000, kKhz), 0u);
  EXPECT_EQ(ring1_tsc_missing(100 * kSecond, 110 * kSecond, 12'000, kKhz), 0u) << "a clock that tells seconds";
  EXPECT_EQ(ring1_tsc_missing(100 * kSecond, 110 * kSecond, 8'000, kKhz), 0u);
}

TEST(TscRestart, StoodAndWentOn) {
  EXPECT_EQ(ring1_tsc_missing(100 * kSecond, 100 * kSecond + 5, 3'600'000, kKhz), 3600 * kSecond - 5);
}

TEST(TscRestart, BeganAnew) {
  EXPECT_EQ(ring1_tsc_missing(100 * kSecond, 7 * kSecond, 60'000, kKhz), 153 * kSecond);
  // Within the tolerance, but it would go back.
  EXPECT_EQ(ring1_tsc_missing(2 * kSecond, kSecond, 500, kKhz), kSecond + kSecond / 2);
  // The boot took longer than the machine had been on.
  EXPECT_EQ(ring1_tsc_missing(10 * kSecond, 20 * kSecond, 60'000, kKhz), 50 * kSecond);
}

// The clock gets it as a standing time, the other way round.
TEST(TscRestart, TheClockGoesOn) {
  Clock clock;
  clock.start(kKhz, 50 * kSecond);
  const uint64_t before = 100 * kSecond, after = 3 * kSecond, deadline = clock.ns(before) + 600'000'000'000;
  ASSERT_EQ(clock.ns(before), 50'000'000'000u);
  clock.skip(-ring1_tsc_missing(before, after, 60'000, kKhz));
  EXPECT_EQ(clock.ns(after), 110'000'000'000u);
  EXPECT_EQ(clock.ns(after + kSecond), 111'000'000'000u);
  EXPECT_EQ(clock.tsc(deadline), after + 540 * kSecond);
}

}  // namespace
}  // namespace ring1::vtimer
