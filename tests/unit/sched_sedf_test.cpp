// SPDX-License-Identifier: GPL-2.0-only
#include "sched_fixture.h"

namespace ring1::sched {
namespace {

class Sedf : public SchedTest {
 protected:
  Sedf() : SchedTest(RING1_SCHED_SEDF) {}

  static ring1_sched_params claim(uint64_t slice, uint64_t period, uint32_t extratime = 0) {
    ring1_sched_params result = params();
    result.slice = slice;
    result.period = period;
    result.extratime = extratime;
    return result;
  }
};

TEST_F(Sedf, TheEarliestDeadlineRunsFirst) {
  ring1_sched_entity *slow = &awake(claim(30 * kMs, 100 * kMs)), *quick = &awake(claim(2 * kMs, 10 * kMs));
  EXPECT_EQ(pick().entity, quick);
  EXPECT_EQ(remaining(), 2 * kMs);
  run(2 * kMs);
  EXPECT_EQ(pick().entity, slow);
  EXPECT_EQ(remaining(), 8 * kMs);  // then quick's next period begins
  run(8 * kMs);
  EXPECT_EQ(pick().entity, quick);
}

TEST_F(Sedf, NothingBeyondTheSliceWithoutExtratime) {
  awake(claim(2 * kMs, 10 * kMs));
  EXPECT_EQ(pick().slice, 2 * kMs);
  run(2 * kMs);
  const ring1_sched_choice idle = pick();
  EXPECT_EQ(idle.entity, nullptr);
  EXPECT_EQ(idle.slice, 8 * kMs);
  now += idle.slice;
  EXPECT_NE(pick().entity, nullptr);
}

TEST_F(Sedf, ExtraTimeEndsWhenAPeriodBegins) {
  ring1_sched_entity *modest = &awake(claim(2 * kMs, 10 * kMs)), *greedy = &awake(claim(kMs, 100 * kMs, 1));
  run(pick().slice);
  EXPECT_EQ(pick().entity, greedy);
  run(remaining());
  uint64_t extra = 0;
  while (pick().entity == greedy) {
    EXPECT_TRUE(queue.extra);
    extra += remaining();
    EXPECT_LE(remaining(), tunables.sedf_extra);
    run(remaining());
  }
  EXPECT_EQ(queue.current_entity, modest);
  EXPECT_EQ(extra, 7 * kMs);
}

TEST_F(Sedf, ALateTimerIsPaidForInTheNextPeriod) {
  ring1_sched_entity& late = awake(claim(2 * kMs, 10 * kMs));
  pick();
  run(3 * kMs);
  EXPECT_EQ(pick().entity, nullptr);
  now = late.sedf.release;
  EXPECT_EQ(pick().slice, 1 * kMs);
}

TEST_F(Sedf, WakingUpLateInAPeriodBeginsAnother) {
  ring1_sched_entity& sleeper = awake(claim(5 * kMs, 10 * kMs));
  pick();
  run(1 * kMs);
  sleep(sleeper);
  now += 7 * kMs;  // 4 ms are left of the slice, 2 ms of the period: more than its share
  wake(sleeper);
  EXPECT_EQ(sleeper.sedf.deadline, now + 10 * kMs);
  EXPECT_EQ(sleeper.sedf.budget, static_cast<int64_t>(5 * kMs));
}

TEST_F(Sedf, WakingUpSoonGoesOnWithThePeriod) {
  ring1_sched_entity& sleeper = awake(claim(5 * kMs, 10 * kMs));
  const uint64_t deadline = sleeper.sedf.deadline;
  pick();
  run(4 * kMs);
  sleep(sleeper);
  now += kMs;
  wake(sleeper);
  EXPECT_EQ(sleeper.sedf.deadline, deadline);
  EXPECT_EQ(sleeper.sedf.budget, static_cast<int64_t>(kMs));
}

TEST_F(Sedf, LatencyShortensTheFirstPeriodsAfterASleep) {
  ring1_sched_params asked = claim(20 * kMs, 80 * kMs);
  asked.latency = 10 * kMs;
  ring1_sched_entity& sleeper = awake(asked);
  EXPECT_EQ(sleeper.sedf.deadline - now, 10 * kMs);
  std::vector<uint64_t> periods;
  for (int i = 0; i < 5; i++) {
    periods.push_back(sleeper.sedf.period);
    now = sleeper.sedf.release;
    run(pick().slice);
  }
  EXPECT_EQ(periods, (std::vector<uint64_t>{10 * kMs, 20 * kMs, 40 * kMs, 80 * kMs, 80 * kMs}));
  EXPECT_EQ(sleeper.sedf.slice, 20 * kMs);
}

TEST_F(Sedf, WithoutASliceByWeightOfWhatIsNotClaimed) {
  ring1_sched_entity& claimed = attach(claim(25 * kMs, 100 * kMs));
  ring1_sched_entity &a = attach(params(300)), &b = attach(params(100));
  EXPECT_EQ(claimed.sedf.slice, 25 * kMs);
  EXPECT_EQ(a.sedf.slice + b.sedf.slice, 70 * kMs);  // 5 ms are held back
  EXPECT_EQ(a.sedf.slice, 3 * b.sedf.slice);
  ring1_sched_detach(&b, now);
  EXPECT_EQ(a.sedf.slice, 70 * kMs);
  const ring1_sched_params more = claim(50 * kMs, 100 * kMs);
  ring1_sched_adjust(&claimed, &more, now);
  EXPECT_EQ(a.sedf.slice, 45 * kMs);
  EXPECT_EQ(claimed.sedf.slice, 50 * kMs);
}

TEST_F(Sedf, ClaimsThatDoNotFitMissDeadlinesButNobodyStarves) {
  ring1_sched_entity *a = &awake(claim(8 * kMs, 10 * kMs)), *b = &awake(claim(60 * kMs, 100 * kMs));
  for (int i = 0; i < 1000; i++) run(pick().slice);
  EXPECT_GT(a->statistics.misses + b->statistics.misses, 0u);
  EXPECT_LE(a->statistics.longest_wait, 100 * kMs);
  EXPECT_LE(b->statistics.longest_wait, 100 * kMs);
}

}  // namespace
}  // namespace ring1::sched
