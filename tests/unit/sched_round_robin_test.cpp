// SPDX-License-Identifier: GPL-2.0-only
#include "sched_fixture.h"

namespace ring1::sched {
namespace {

class RoundRobin : public SchedTest {
 protected:
  RoundRobin() : SchedTest(RING1_SCHED_RR) {}
};

TEST_F(RoundRobin, InTurn) {
  ring1_sched_entity *a = &awake(params()), *b = &awake(params(1)), *c = &awake(params(9999));
  for (int round = 0; round < 3; round++) {
    for (ring1_sched_entity* expected : {a, b, c}) {
      const ring1_sched_choice choice = pick();
      EXPECT_EQ(choice.entity, expected);
      EXPECT_EQ(choice.slice, tunables.rr_slice);
      run(choice.slice);
    }
  }
}

TEST_F(RoundRobin, WhoWakesUpGoesToTheEndAndPreemptsNobody) {
  ring1_sched_entity *a = &awake(params()), *b = &awake(params()), *c = &attach(params());
  EXPECT_EQ(pick().entity, a);
  run(kMs);
  wake(*c);
  EXPECT_EQ(remaining(), tunables.rr_slice - kMs);
  EXPECT_EQ(pick().entity, a);
  run(remaining());
  EXPECT_EQ(remaining(), 0u);
  EXPECT_EQ(pick().entity, b);
  run(tunables.rr_slice);
  EXPECT_EQ(pick().entity, c);
}

TEST_F(RoundRobin, SleepPassesTheTurnOn) {
  ring1_sched_entity *a = &awake(params()), *b = &awake(params());
  pick();
  run(kMs);
  sleep(*a);
  EXPECT_EQ(pick().entity, b);
}

}  // namespace
}  // namespace ring1::sched
