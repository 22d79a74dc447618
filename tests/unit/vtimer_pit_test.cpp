// SPDX-License-Identifier: GPL-2.0-only
// The 8254 through its ports, with the rules of the data sheet; time in input clocks.
#include <gtest/gtest.h>

#include <cstring>

#include "vtimer/pit.h"

namespace ring1::vtimer {
namespace {

class PitTest : public ::testing::Test, public TimerLine {
 protected:
  PitTest() { pit.reset(0); }

  void out(uint16_t port, uint8_t value) { ASSERT_TRUE(pit.io_write(port, 1, value, now)); }
  uint32_t in(uint16_t port) {
    uint32_t value = ~0u;
    EXPECT_TRUE(pit.io_read(port, 1, &value, now));
    return value;
  }
  void program(unsigned channel, uint8_t mode, uint16_t count, uint8_t bcd = 0) {
    out(0x43, static_cast<uint8_t>(channel << 6 | 0x30 | mode << 1 | bcd));
    out(0x40 + channel, static_cast<uint8_t>(count));
    out(0x40 + channel, static_cast<uint8_t>(count >> 8));
    start = now;
  }
  uint32_t latched(unsigned channel) {
    out(0x43, static_cast<uint8_t>(channel << 6));
    const uint32_t low = in(0x40 + channel);
    return low | in(0x40 + channel) << 8;
  }
  uint32_t status(unsigned channel) {
    out(0x43, static_cast<uint8_t>(0xe0 | 2u << channel));
    return in(0x40 + channel);
  }
  bool output(unsigned channel) { return status(channel) & 0x80; }
  void at(uint64_t ticks) { now = start + pit_ns(ticks); }  // after the programming
  Answer pulse() override {
    ++pulses;
    return answer;
  }
  unsigned run_to(uint64_t ticks) {  // as the monitor does it, each interrupt taken and ended at once
    const unsigned before = pulses;
    const uint64_t end = start + pit_ns(ticks);
    while (pit.next_deadline() <= end) {
      if (pit.next_deadline() > now) now = pit.next_deadline();
      const unsigned taken = pulses;
      pit.advance(now);
      if (pulses == taken) continue;
      pit.line_taken();
      pit.line_ended(now);
    }
    now = end;
    return pulses - before;
  }

  uint64_t now = 12345, start = 0;
  unsigned pulses = 0;
  Answer answer = Answer::kDelivered;
  Pit pit{*this};
};

TEST_F(PitTest, Mode0CountsDownOnce) {
  program(0, 0, 1000);
  EXPECT_FALSE(output(0));
  at(400);
  EXPECT_EQ(latched(0), 600u);
  EXPECT_FALSE(output(0));
  at(1000);
  EXPECT_TRUE(output(0));
  EXPECT_EQ(latched(0), 0u);
  at(1001);
  EXPECT_EQ(latched(0), 0xffffu);  // and goes on
  now = start;
  EXPECT_EQ(run_to(300000), 1u);
}

TEST_F(PitTest, Mode2DividesByN) {
  program(0, 2, 1000);
  EXPECT_TRUE(output(0));
  EXPECT_EQ(latched(0), 1000u);
  at(999);
  EXPECT_FALSE(output(0));  // low while the counter shows 1
  EXPECT_EQ(latched(0), 1u);
  at(1000);
  EXPECT_TRUE(output(0));
  EXPECT_EQ(latched(0), 1000u);
  now = start;
  EXPECT_EQ(run_to(100000), 100u);
}

TEST_F(PitTest, Mode3IsHighForHalf) {
  program(0, 3, 10);
  const unsigned even[] = {10, 8, 6, 4, 2, 10, 8, 6, 4, 2};
  for (unsigned tick = 0; tick < 20; ++tick) {
    at(tick);
    EXPECT_EQ(output(0), tick % 10 < 5) << tick;
    EXPECT_EQ(latched(0), even[tick % 10]) << tick;
  }
  program(0, 3, 9);
  const unsigned odd[] = {8, 6, 4, 2, 0, 8, 6, 4, 2};
  for (unsigned tick = 0; tick < 18; ++tick) {
    at(tick);
    EXPECT_EQ(output(0), tick % 9 < 5) << tick;
    EXPECT_EQ(latched(0), odd[tick % 9]) << tick;
  }
}

TEST_F(PitTest, Mode4StrobesForOneClock) {
  program(0, 4, 1000);
  for (uint64_t tick : {0, 999, 1000, 1001}) {
    at(tick);
    EXPECT_EQ(output(0), tick != 1000) << tick;
  }
  now = start;
  EXPECT_EQ(run_to(300000), 1u);
}

TEST_F(PitTest, ZeroIsTheLargestCount) {
  program(0, 2, 0);
  at(1);
  EXPECT_EQ(latched(0), 65535u);
  EXPECT_EQ(run_to(10 * 65536), 10u);
  program(0, 2, 0, 1);
  at(1);
  EXPECT_EQ(latched(0), 0x9999u);
  EXPECT_EQ(run_to(10 * 10000), 10u);
}

TEST_F(PitTest, Bcd) {
  program(0, 0, 0x1234, 1);
  at(35);
  EXPECT_EQ(latched(0), 0x1199u);
}

TEST_F(PitTest, AccessModes) {
  out(0x43, 0x14);  // channel 0, low byte only
  out(0x40, 200);
  start = now;
  at(50);
  EXPECT_EQ(in(0x40), 150u);
  EXPECT_EQ(in(0x40), 150u);
  out(0x43, 0x24);  // high byte only
  out(0x40, 2);
  start = now;
  at(100);
  EXPECT_EQ(in(0x40), 1u);
}

TEST_F(PitTest, ALatchHoldsUntilRead) {
  program(0, 2, 5000);
  at(1000);
  out(0x43, 0);
  at(2000);
  out(0x43, 0);  // ignored
  EXPECT_EQ(in(0x40), 4000u & 0xff);
  EXPECT_EQ(in(0x40), 4000u >> 8);
  EXPECT_EQ(in(0x40), 3000u & 0xff);
  EXPECT_EQ(in(0x40), 3000u >> 8);
}

TEST_F(PitTest, ReadBackOfStatusAndCount) {
  out(0x43, 0x36);
  EXPECT_EQ(status(0), 0x80u | 0x40 | 0x36);  // null count, OUT high
  out(0x40, 0);
  out(0x40, 1);
  EXPECT_EQ(status(0), 0x80u | 0x36);
  start = now;
  out(0x43, 0xc2);  // both: status first
  EXPECT_EQ(in(0x40), 0x80u | 0x36);
  EXPECT_EQ(in(0x40), 0x00u);
  EXPECT_EQ(in(0x40), 0x01u);
}

TEST_F(PitTest, ANewCountWaitsForTheEndOfThePeriod) {
  program(0, 2, 1000);
  at(400);
  out(0x40, 100);
  out(0x40, 0);
  EXPECT_EQ(latched(0), 600u);
  EXPECT_TRUE(status(0) & 0x40);
  at(1050);
  now += 400;  // in the middle of a clock: the change of counts fell on a whole nanosecond
  EXPECT_EQ(latched(0), 50u);
  EXPECT_FALSE(status(0) & 0x40);
  pit.advance(now);
  EXPECT_EQ(pulses, 1u);
}

TEST_F(PitTest, ModesSixAndSevenAreTwoAndThree) {
  out(0x43, 0x3c);
  EXPECT_EQ(status(0) & 0xe, 0x4u);
  out(0x43, 0x3e);
  EXPECT_EQ(status(0) & 0xe, 0x6u);
}

TEST_F(PitTest, GateOfChannel2) {
  out(0x61, 0);
  program(2, 0, 1000);
  at(500);
  EXPECT_EQ(latched(2), 1000u);  // stopped
  out(0x61, 1);
  start = now;
  at(300);
  EXPECT_EQ(latched(2), 700u);
  out(0x61, 0);
  at(600);
  EXPECT_EQ(latched(2), 700u);
  out(0x61, 1);
  start = now;
  at(699);
  EXPECT_FALSE(in(0x61) & 0x20);
  at(700);
  EXPECT_TRUE(in(0x61) & 0x20);
}

TEST_F(PitTest, TheGateReloadsTheSquareWave) {
  out(0x61, 1);
  program(2, 3, 1000);
  at(300);
  out(0x61, 0);
  EXPECT_TRUE(in(0x61) & 0x20);
  at(800);
  EXPECT_TRUE(in(0x61) & 0x20);
  out(0x61, 3);
  EXPECT_TRUE(pit.speaker_on());
  start = now;
  at(499);
  EXPECT_TRUE(in(0x61) & 0x20);
  at(500);
  EXPECT_FALSE(in(0x61) & 0x20);
  EXPECT_EQ(in(0x61) & 0xf, 3u);
}

TEST_F(PitTest, OneShotIsTriggeredByTheGate) {
  out(0x61, 0);
  program(2, 1, 1000);
  at(5000);
  EXPECT_TRUE(output(2));
  out(0x61, 1);
  start = now;
  EXPECT_FALSE(output(2));
  at(999);
  EXPECT_FALSE(output(2));
  at(1000);
  EXPECT_TRUE(output(2));
}

TEST_F(PitTest, RefreshToggles) {
  unsigned changes = 0;
  uint32_t last = in(0x61) & 0x10;
  for (unsigned i = 0; i < 1000; ++i) {
    now += 1000;
    const uint32_t bit = in(0x61) & 0x10;
    changes += bit != last;
    last = bit;
  }
  EXPECT_NEAR(changes, 66, 1);
}

TEST_F(PitTest, ManyHoursWithoutDrift) {
  program(0, 2, 11932);  // Linux at 100 Hz
  at(11932ull * 100 * 86400);
  pit.advance(now);
  EXPECT_EQ(pit.pending_ticks(), Pit::kMaxPending - 1);
  EXPECT_EQ(pit.dropped_ticks(), 8640000u - Pit::kMaxPending);
}

TEST_F(PitTest, MissedTicksComeWhenTheGuestRunsAgain) {
  program(0, 2, 1193);
  answer = Answer::kCoalesced;
  at(1193 * 5);
  pit.advance(now);
  EXPECT_EQ(pulses, 1u);
  EXPECT_EQ(pit.pending_ticks(), 5u);
  answer = Answer::kDelivered;
  run_to(1193 * 8);
  EXPECT_EQ(pit.pending_ticks(), 0u);
  run_to(1193 * 20);
  EXPECT_EQ(pulses, 21u) << "every tick once, and the one that was coalesced";
  EXPECT_EQ(pit.dropped_ticks(), 0u);
}

// A backlog that is larger than what may come in a row.
TEST_F(PitTest, ManyMissedTicksComeAtTwiceTheRate) {
  constexpr unsigned kRow = TickBacklog::kMostInARow, kOwed = Pit::kMaxPending - 10;
  program(0, 2, 1193);
  at(1193 * kOwed);
  pit.advance(now);
  pit.line_ended(now);
  // Four in a period, as long as there are no more than may come in a row and two for each period that passes
  // meanwhile.
  run_to(1193 * (kOwed + kRow / 2) + 1);
  EXPECT_NEAR(pulses, 2 * kRow, 4);
  const unsigned before = pulses;
  run_to(1193 * (kOwed + kRow / 2 + 20));
  EXPECT_NEAR(pulses - before, 40, 2);
  run_to(1193 * (kOwed + 200));
  EXPECT_EQ(pulses, kOwed + 200);
}

// Nor may it be drowned: one that lost some has time between two.
TEST_F(PitTest, AfterDroppedTicksTheRestIsSpaced) {
  program(0, 2, 1193);
  at(1193 * 1000);
  pit.advance(now);
  pit.line_ended(now);
  EXPECT_EQ(pit.dropped_ticks(), 1000u - Pit::kMaxPending);
  run_to(1193 * 1010);
  EXPECT_NEAR(pulses, 1 + 20, 2);
}

// One that has the processor for 10 of 40 periods is given all of its ticks all the same.
TEST_F(PitTest, AQuarterOfAProcessorHasAllTicks) {
  program(0, 2, 1193);
  for (unsigned turn = 1; turn <= 50; ++turn) {
    at(1193 * 40 * turn);
    run_to(1193 * (40 * turn + 10));
  }
  EXPECT_EQ(pulses, 40u * 50 + 10);
  EXPECT_EQ(pit.dropped_ticks(), 0u);
}

// A guest that does not end its interrupt is not given another, and then not at once.
TEST_F(PitTest, NoTickBeforeTheEnd) {
  program(0, 2, 1193);
  at(1193 * 5);
  pit.advance(now);
  EXPECT_EQ(pulses, 1u);
  pit.line_taken();
  at(1193 * 5 + 600);
  pit.advance(now);
  EXPECT_EQ(pulses, 1u);
  pit.line_ended(now);
  EXPECT_GE(pit.next_deadline(), now + pit_ns(1193) / 4);
  at(1193 * 5 + 600 + 290);
  pit.advance(now);
  EXPECT_EQ(pulses, 1u) << "a quarter of a period is 298 clocks";
  at(1193 * 5 + 600 + 300);
  pit.advance(now);
  EXPECT_EQ(pulses, 2u);
}

// One that ends it at once and works on is not given another in the middle of that, but its regular ticks.
TEST_F(PitTest, NoTickIsMadeUpForInAHandler) {
  program(0, 2, 1193);
  at(1193 * 5);
  pit.advance(now);
  pit.line_taken();
  pit.line_ended(now);
  for (unsigned quarter = 1; quarter < 4; ++quarter) {
    at(1193 * 5 + 300 * quarter);
    EXPECT_TRUE(pit.makes_up_now(now));
    pit.advance(now, true);
    EXPECT_EQ(pulses, 1u) << quarter;
    EXPECT_FALSE(pit.makes_up_now(now));
  }
  at(1193 * 6);
  pit.advance(now, true);
  EXPECT_EQ(pulses, 2u) << "a regular one";
  pit.line_taken();
  pit.line_ended(now);
  at(1193 * 6 + 300);
  pit.advance(now, true);
  at(1193 * 6 + 600);
  pit.advance(now, false);
  EXPECT_EQ(pulses, 2u) << "it has just returned";
  at(1193 * 6 + 900);
  pit.advance(now, false);
  EXPECT_EQ(pulses, 3u);
  EXPECT_EQ(pit.pending_ticks(), 3u) << "nothing is lost";
}

// A handler that does not come to an end, as it has switched to another task, does not hold ticks back for ever.
TEST_F(PitTest, NoHandlerIsWaitedForForEver) {
  program(0, 2, 1193);
  at(1193 * 5);
  pit.advance(now);
  pit.line_taken();
  pit.line_ended(now);
  const uint64_t end = start + pit_ns(1193 * 50);
  unsigned regular = 1;
  while (pit.next_deadline() <= end) {
    now = pit.next_deadline();
    const bool is_regular = !pit.makes_up_now(now);
    const unsigned before = pulses;
    pit.advance(now, true);
    if (pulses == before) continue;
    regular += is_regular;
    pit.line_taken();
    pit.line_ended(now);
  }
  EXPECT_GT(pulses, regular);
}

TEST_F(PitTest, LateTicksAreDroppedIfTheVmmWantsIt) {
  program(0, 2, 1193);
  pit.set_makes_up(false);
  at(1193 * 5);
  pit.advance(now);
  EXPECT_EQ(pulses, 1u);
  EXPECT_EQ(pit.pending_ticks(), 0u);
  EXPECT_EQ(pit.dropped_ticks(), 4u);
  pit.line_taken();
  pit.line_ended(now);
  EXPECT_EQ(run_to(1193 * 10), 5u);
  pit.set_makes_up(true);
  at(1193 * 15);
  EXPECT_EQ(run_to(1193 * 20), 10u);
}

TEST_F(PitTest, TicksNobodyListensToAreDropped) {
  program(0, 2, 1193);
  answer = Answer::kMasked;
  at(1193 * 5);
  pit.advance(now);
  EXPECT_EQ(pit.pending_ticks(), 0u);
  EXPECT_EQ(pit.dropped_ticks(), 5u);
}

TEST_F(PitTest, ProgrammingForgetsWhatIsOwed) {
  program(0, 2, 1193);
  answer = Answer::kCoalesced;
  at(1193 * 5);
  pit.advance(now);
  program(0, 0, 0);
  EXPECT_EQ(pit.pending_ticks(), 0u);
}

TEST_F(PitTest, AFastTimerDoesNotDrownTheHost) {
  program(0, 2, 2);
  unsigned wakes = 0;
  const uint64_t end = now + 10'000'000;
  while (pit.next_deadline() < end) {
    now = pit.next_deadline() > now ? pit.next_deadline() : now;
    pit.advance(now);
    ++wakes;
  }
  EXPECT_LE(wakes, 101u);
}

TEST_F(PitTest, StateRoundTrip) {
  program(0, 2, 11932);
  program(2, 3, 0x1234, 1);
  out(0x61, 3);
  at(777);
  out(0x43, 0x80);
  in(0x42);
  kvm_pit_state2 state, again;
  pit.save(&state, now);
  Pit copy(*this);
  copy.reset(5);
  copy.restore(state, 1000);
  copy.save(&again, 1000);
  for (auto& channel : state.channels) channel.count_load_time = 0;
  for (auto& channel : again.channels) channel.count_load_time = 0;
  EXPECT_EQ(std::memcmp(&state, &again, sizeof state), 0);
  EXPECT_TRUE(copy.speaker_on());
  EXPECT_EQ(copy.next_deadline(), 1000 + pit_ns(11932));
}

TEST_F(PitTest, WhatIsOwedIsSaved) {
  program(0, 2, 1193);
  at(1193 * 5);
  pit.advance(now);
  ASSERT_EQ(pit.pending_ticks(), 4u);
  pit.set_makes_up(false);
  kvm_pit_state2 state;
  pit.save(&state, now);
  Pit copy(*this);
  copy.reset(5);
  copy.restore(state, 1000);
  EXPECT_FALSE(copy.makes_up());
  EXPECT_EQ(copy.pending_ticks(), 4u);
  EXPECT_EQ(copy.next_deadline(), 1000 + pit_ns(1193) / 4);
  state.reserved[0] = ~0u;
  copy.restore(state, 1000);
  EXPECT_EQ(copy.pending_ticks(), Pit::kMaxPending);
  // As KVM gives it: the policy stays.
  state.reserved[0] = state.reserved[1] = 0;
  copy.restore(state, 1000);
  EXPECT_FALSE(copy.makes_up());
  EXPECT_EQ(copy.pending_ticks(), 0u);
}

TEST_F(PitTest, OnlyByteAccessesAtItsOwnPorts) {
  uint32_t value;
  EXPECT_FALSE(pit.io_read(0x40, 2, &value, now));
  EXPECT_FALSE(pit.io_read(0x44, 1, &value, now));
  EXPECT_FALSE(pit.io_write(0x62, 1, 0, now));
}

}  // namespace
}  // namespace ring1::vtimer
