// SPDX-License-Identifier: GPL-2.0-only
#include "sched_fixture.h"

namespace ring1::sched {
namespace {

class Bvt : public SchedTest {
 protected:
  Bvt() : SchedTest(RING1_SCHED_BVT) {}

  static ring1_sched_params warped(uint64_t warp, uint64_t limit = 0, uint64_t pause = 0) {
    ring1_sched_params result = params();
    result.warp_enabled = 1;
    result.warp = warp;
    result.warp_limit = limit;
    result.warp_pause = pause;
    return result;
  }
};

TEST_F(Bvt, RunsOnForTheAllowanceBeyondTheOthersTurn) {
  ring1_sched_entity *a = &awake(params()), *b = &awake(params());
  EXPECT_EQ(pick().entity, a);
  EXPECT_EQ(remaining(), tunables.bvt_allowance);
  run(remaining());
  EXPECT_EQ(pick().entity, b);
  EXPECT_EQ(remaining(), 2 * tunables.bvt_allowance);  // up to a's time, then the allowance
}

TEST_F(Bvt, VirtualTimeIsSlowerForTheGreaterWeight) {
  ring1_sched_entity *heavy = &awake(params(3000)), *light = &awake(params(1000));
  for (int i = 0; i < 1000; i++) run(pick().slice);
  EXPECT_NEAR(static_cast<double>(heavy->statistics.run) / static_cast<double>(light->statistics.run), 3, 0.05);
}

TEST_F(Bvt, SleepEarnsNothing) {
  ring1_sched_entity *sleeper = &attach(params()), *busy = &awake(params());
  pick();
  run(10'000 * kMs);
  wake(*sleeper);
  const uint64_t before = busy->statistics.run;
  for (int i = 0; i < 200; i++) run(pick().slice);
  const uint64_t got = busy->statistics.run - before;
  EXPECT_NEAR(static_cast<double>(sleeper->statistics.run) / static_cast<double>(got), 1, 0.05);
}

TEST_F(Bvt, WhoIsWarpedPreemptsAtOnceButNotWithinTheGranularity) {
  ring1_sched_entity *busy = &awake(params()), *interactive = &attach(warped(10 * kMs));
  EXPECT_EQ(pick().entity, busy);
  wake(*interactive);
  EXPECT_EQ(remaining(), tunables.bvt_granularity);
  sleep(*interactive);
  run(kMs);
  wake(*interactive);
  EXPECT_EQ(remaining(), 0u);
  EXPECT_EQ(pick().entity, interactive);
}

TEST_F(Bvt, AWarpIsPaidBack) {
  ring1_sched_entity *interactive = &awake(warped(10 * kMs)), *busy = &awake(params());
  EXPECT_EQ(pick().entity, interactive);
  EXPECT_EQ(remaining(), 10 * kMs + tunables.bvt_allowance);
  run(remaining());
  EXPECT_EQ(pick().entity, busy);
}

TEST_F(Bvt, LimitAndPauseOfAWarp) {
  ring1_sched_entity *interactive = &awake(warped(100 * kMs, 2 * kMs, 50 * kMs)), *busy = &awake(params());
  EXPECT_EQ(pick().entity, interactive);
  EXPECT_EQ(remaining(), 2 * kMs);
  run(2 * kMs);
  EXPECT_FALSE(interactive->bvt.warping);
  EXPECT_EQ(pick().entity, busy == queue.current_entity ? busy : queue.current_entity);
  sleep(*interactive);
  pick();
  run(10 * kMs);
  wake(*interactive);
  EXPECT_FALSE(interactive->bvt.warping);  // the pause goes on
  sleep(*interactive);
  run(40 * kMs);
  wake(*interactive);
  EXPECT_TRUE(interactive->bvt.warping);
}

TEST_F(Bvt, VirtualTimeWraps) {
  for (const uint64_t start : {uint64_t{0}, ~uint64_t{0} - (uint64_t{1} << 36)}) {
    queue = {};
    entities.clear();
    ring1_sched_queue_init(&queue, RING1_SCHED_BVT, &tunables, now);
    queue.bvt_time = start;
    ring1_sched_entity *a = &awake(params(512)), *b = &awake(params(256));
    a->bvt.virtual_time = b->bvt.virtual_time = start;
    for (int i = 0; i < 500; i++) run(pick().slice);
    EXPECT_NEAR(static_cast<double>(a->statistics.run) / static_cast<double>(b->statistics.run), 2, 0.05);
  }
}

TEST_F(Bvt, ALeadMovesToAnotherQueue) {
  ring1_sched_queue other;
  ring1_sched_queue_init(&other, RING1_SCHED_BVT, &tunables, now);
  other.bvt_time = 1'000'000;
  ring1_sched_entity *a = &awake(params()), *b = &awake(params());
  pick();
  run(tunables.bvt_allowance);
  pick();
  const uint64_t lead = a->bvt.virtual_time - queue.bvt_time;
  EXPECT_GT(lead, 0u);
  EXPECT_EQ(queue.current_entity, b);
  ring1_sched_migrate(a, &other, now);
  EXPECT_EQ(a->bvt.virtual_time, 1'000'000 + lead);
}

}  // namespace
}  // namespace ring1::sched
