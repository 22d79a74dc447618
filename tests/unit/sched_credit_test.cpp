// SPDX-License-Identifier: GPL-2.0-only
#include "sched_fixture.h"

namespace ring1::sched {
namespace {

class Credit : public SchedTest {
 protected:
  Credit() : SchedTest(RING1_SCHED_CREDIT) {}

  static ring1_sched_params capped(uint32_t cap) {
    ring1_sched_params result = params();
    result.cap = cap;
    return result;
  }
};

TEST_F(Credit, CreditIsHandedOutByWeight) {
  ring1_sched_entity &heavy = awake(params(200)), &light = awake(params(100));
  heavy.credit.credit = light.credit.credit = 0;
  heavy.credit.boosted = light.credit.boosted = 0;
  EXPECT_EQ(pick().entity, &heavy);
  run(30 * kMs);
  EXPECT_EQ(heavy.credit.credit, static_cast<int64_t>(-10 * kMs));
  EXPECT_EQ(light.credit.credit, static_cast<int64_t>(10 * kMs));
  EXPECT_EQ(pick().entity, &light);  // UNDER before OVER
}

TEST_F(Credit, WhatOneCannotTakeIsSharedByTheOthers) {
  ring1_sched_entity &a = awake(params(100)), &b = awake(params(100));
  ring1_sched_entity& sleeper = awake(params(100));
  pick();
  a.credit.credit = b.credit.credit = 0;
  sleeper.credit.credit = static_cast<int64_t>(28 * kMs);
  sleep(sleeper);  // has been active, and has room for 2 ms
  run(30 * kMs);
  EXPECT_NEAR(static_cast<double>(sleeper.credit.credit), 30e6, 10);
  EXPECT_NEAR(static_cast<double>(b.credit.credit), 14e6, 10);
}

TEST_F(Credit, WhoSleptIsNotActiveAndGetsNone) {
  ring1_sched_entity &busy = awake(params()), &sleeper = attach(params());
  const int64_t before = sleeper.credit.credit;
  pick();
  run(90 * kMs);
  EXPECT_EQ(sleeper.credit.credit, before);
  EXPECT_EQ(busy.statistics.run, 90 * kMs);
}

TEST_F(Credit, BoostPreemptsAfterTheRateLimit) {
  ring1_sched_entity &busy = awake(params()), &interactive = attach(params());
  busy.credit.boosted = 0;
  pick();
  run(kMs / 4);
  wake(interactive);
  EXPECT_TRUE(interactive.credit.boosted);
  EXPECT_EQ(remaining(), tunables.credit_ratelimit - kMs / 4);
  EXPECT_EQ(pick().entity, &busy);
  EXPECT_EQ(pick().slice, tunables.credit_ratelimit - kMs / 4);
  run(remaining());
  EXPECT_EQ(pick().entity, &interactive);
}

TEST_F(Credit, ABoostEndsAfterTenMilliseconds) {
  ring1_sched_entity& interactive = awake(params());
  interactive.credit.credit = static_cast<int64_t>(25 * kMs);
  EXPECT_TRUE(interactive.credit.boosted);
  pick();
  run(9 * kMs);
  EXPECT_TRUE(interactive.credit.boosted);
  run(1 * kMs);
  EXPECT_FALSE(interactive.credit.boosted);
}

TEST_F(Credit, NoBoostWithoutCredit) {
  ring1_sched_entity& debtor = attach(params());
  debtor.credit.credit = -1;
  wake(debtor);
  EXPECT_FALSE(debtor.credit.boosted);
}

TEST_F(Credit, WhoHasUsedItsCapIsParkedUntilTheNextDistribution) {
  ring1_sched_entity& modest = awake(capped(10));
  EXPECT_EQ(pick().slice, 3 * kMs);
  run(3 * kMs);
  EXPECT_EQ(remaining(), 0u);
  const ring1_sched_choice idle = pick();
  EXPECT_EQ(idle.entity, nullptr);
  EXPECT_EQ(idle.slice, 27 * kMs);
  now += idle.slice;
  EXPECT_EQ(pick().entity, &modest);
  EXPECT_EQ(pick().slice, 3 * kMs);
}

TEST_F(Credit, TheEndOfParkingPreempts) {
  ring1_sched_entity &modest = awake(capped(10)), &busy = awake(params());
  modest.credit.boosted = busy.credit.boosted = 0;
  EXPECT_EQ(pick().entity, &modest);
  run(3 * kMs);
  EXPECT_EQ(pick().entity, &busy);
  EXPECT_EQ(remaining(), 27 * kMs);
}

TEST_F(Credit, AnInterruptedTurnIsTakenUpAgain) {
  ring1_sched_entity &a = awake(params()), &b = awake(params()), &interactive = attach(params());
  a.credit.boosted = b.credit.boosted = 0;
  EXPECT_EQ(pick().entity, &a);
  run(12 * kMs);
  a.credit.credit = b.credit.credit = static_cast<int64_t>(20 * kMs);
  wake(interactive);
  EXPECT_EQ(pick().entity, &interactive);
  run(kMs);
  sleep(interactive);
  EXPECT_EQ(pick().entity, &a);
  EXPECT_EQ(remaining(), 18 * kMs);
}

}  // namespace
}  // namespace ring1::sched
