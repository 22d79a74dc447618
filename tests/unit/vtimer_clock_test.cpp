// SPDX-License-Identifier: GPL-2.0-only
#include <gtest/gtest.h>

#include <random>

#include "vtimer/clock.h"
#include "vtimer/pit_channel.h"

namespace ring1::vtimer {
namespace {

TEST(VtimerClock, AgreesWithExactArithmetic) {
  std::mt19937_64 random(1);
  for (uint32_t khz : {1u, 999999u, 1000000u, 1193182u, 2294609u, 3600000u, 5000001u}) {
    Clock clock;
    const uint64_t base = random() >> 8;
    clock.start(khz, base, 17);
    for (int i = 0; i < 2000; ++i) {
      const uint64_t delta = random() >> (i % 40 + 14);
      const auto exact = static_cast<uint64_t>(static_cast<unsigned __int128>(delta) * 1000000 / khz);
      if (exact >> 62) continue;
      const uint64_t ns = clock.ns(base + delta) - 17;
      EXPECT_LE(exact - ns, 1u);
      const uint64_t when = clock.tsc(17 + exact);
      EXPECT_GE(clock.ns(when), 17 + exact);
      EXPECT_LT(clock.ns(when - 1), 17 + exact + (exact == 0));
    }
  }
}

TEST(VtimerClock, EdgesOfTime) {
  Clock clock;
  clock.start(2000000, 1000);
  EXPECT_EQ(clock.ns(900), 0u);
  EXPECT_EQ(clock.tsc(0), 1000u);
  EXPECT_EQ(clock.tsc(kNoDeadline), kNoDeadline);
  clock.skip(3000);
  EXPECT_EQ(clock.ns(5000), 500u);
}

// However often it stands: what is left is the time in which it ran, never less than before.
TEST(VtimerClock, StandsAndGoesOn) {
  std::mt19937_64 random(3);
  Clock clock;
  clock.start(1000000, 0);  // a count is a nanosecond
  uint64_t now = 0, ran = 0, last = 0;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t run = random() % 100000, stop = random() % 10000000;
    now += run, ran += run;
    EXPECT_NEAR(static_cast<double>(clock.ns(now)), static_cast<double>(ran), 1);
    EXPECT_GE(clock.ns(now), last);
    last = clock.ns(now);
    const uint64_t deadline = clock.tsc(last + 5000);
    now += stop;
    clock.skip(stop);
    EXPECT_EQ(clock.ns(now), last) << "it has not moved";
    EXPECT_EQ(clock.tsc(last + 5000), deadline + stop) << "deadlines move with it";
  }
}

TEST(VtimerClock, PitTicksAreExact) {
  EXPECT_EQ(pit_ticks(1000000000), kPitHz);
  EXPECT_EQ(pit_ticks(999999999), kPitHz - 1);
  EXPECT_EQ(pit_ticks(3600u * 1000000000ull), 3600 * kPitHz);
  std::mt19937_64 random(2);
  for (int i = 0; i < 10000; ++i) {
    const uint64_t ticks = random() >> (i % 30 + 20);
    EXPECT_EQ(pit_ticks(pit_ns(ticks)), ticks);
    if (ticks) { EXPECT_EQ(pit_ticks(pit_ns(ticks) - 1), ticks - 1); }
  }
}

}  // namespace
}  // namespace ring1::vtimer
