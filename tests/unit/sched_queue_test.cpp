// SPDX-License-Identifier: GPL-2.0-only
// What holds for every policy.
#include <cstring>

#include "sched_fixture.h"

namespace ring1::sched {
namespace {

class Queue : public SchedTest, public testing::WithParamInterface<uint32_t> {
 protected:
  Queue() : SchedTest(GetParam()) {}
};

TEST_P(Queue, NobodyRunsInAnEmptyQueue) {
  EXPECT_EQ(pick().entity, nullptr);
  EXPECT_EQ(pick().slice, kForever);
  attach(params());
  EXPECT_EQ(pick().entity, nullptr);
}

TEST_P(Queue, WhoIsAloneRunsWithoutEnd) {
  ring1_sched_entity& only = awake(params());
  EXPECT_EQ(pick().entity, &only);
  EXPECT_EQ(remaining(), kForever);
  run(5000 * kMs);
  EXPECT_EQ(pick().entity, &only);
  EXPECT_EQ(remaining(), kForever);
  EXPECT_EQ(only.statistics.run, 5000 * kMs);
  EXPECT_EQ(only.statistics.wait, 0u);
  EXPECT_EQ(only.statistics.dispatches, 1u);
}

TEST_P(Queue, AnEndComesWhenASecondOneWakesUp) {
  awake(params());
  ring1_sched_entity& second = attach(params());
  pick();
  run(2000 * kMs);
  wake(second);
  EXPECT_LE(remaining(), 200 * kMs);
  for (int i = 0; i < 200 && queue.current_entity != &second; i++) {
    run(remaining());
    pick();
  }
  EXPECT_EQ(queue.current_entity, &second);
  EXPECT_GT(second.statistics.wait + 1, 0u);
}

TEST_P(Queue, WaitingTimeIsCounted) {
  ring1_sched_entity& first = awake(params());
  ring1_sched_entity& second = awake(params());
  for (int i = 0; i < 100; i++) run(pick().slice);
  EXPECT_EQ(first.statistics.run + second.statistics.run, now - 1000 * kMs);
  ring1_sched_entity& waiting = queue.current_entity == &first ? second : first;
  sleep(waiting);
  EXPECT_EQ(waiting.statistics.run + waiting.statistics.wait, now - 1000 * kMs);
}

TEST_P(Queue, WhoLeavesIsForgotten) {
  ring1_sched_entity& first = awake(params());
  ring1_sched_entity& second = awake(params());
  pick();
  run(kMs);
  ring1_sched_entity& current = *queue.current_entity;
  ring1_sched_detach(&current, now);
  EXPECT_EQ(queue.current_entity, nullptr);
  EXPECT_EQ(queue.count, 1u);
  EXPECT_EQ(queue.runnable, 1u);
  EXPECT_EQ(current.queue, nullptr);
  EXPECT_EQ(pick().entity, &current == &first ? &second : &first);
  ring1_sched_detach(queue.current_entity, now);
  EXPECT_EQ(queue.first, nullptr);
  EXPECT_EQ(pick().entity, nullptr);
}

TEST_P(Queue, TheLoadIsThatOfWhoWantsToRun) {
  ring1_sched_entity& first = awake(params(100));
  ring1_sched_entity& second = attach(params(200));
  const uint64_t one = queue.load;
  EXPECT_EQ(one, ring1_sched_load(GetParam(), &first.params));
  wake(second);
  EXPECT_EQ(queue.load, one + ring1_sched_load(GetParam(), &second.params));
  const ring1_sched_params heavier = params(700);
  ring1_sched_adjust(&second, &heavier, now);
  EXPECT_EQ(queue.load, one + ring1_sched_load(GetParam(), &heavier));
  ring1_sched_detach(&second, now);
  EXPECT_EQ(queue.load, one);
  sleep(first);
  EXPECT_EQ(queue.load, 0u);
}

TEST_P(Queue, WhoMovesKeepsRunningElsewhere) {
  ring1_sched_queue other;
  ring1_sched_queue_init(&other, GetParam(), &tunables, now);
  awake(params());
  awake(params());
  pick();
  ring1_sched_entity* waiting = ring1_sched_candidate(
      &queue, now, [](ring1_sched_entity*, void*) { return true; }, nullptr);
  ASSERT_NE(waiting, nullptr);
  EXPECT_NE(waiting, queue.current_entity);
  EXPECT_EQ(ring1_sched_candidate(
                &queue, now, [](ring1_sched_entity*, void*) { return false; }, nullptr),
            nullptr);
  ring1_sched_migrate(waiting, &other, now);
  EXPECT_EQ(waiting->queue, &other);
  EXPECT_EQ(queue.runnable, 1u);
  EXPECT_EQ(ring1_sched_pick(&other, now).entity, waiting);
  EXPECT_EQ(remaining(), kForever);
}

INSTANTIATE_TEST_SUITE_P(Policies, Queue,
                         testing::Values(RING1_SCHED_CREDIT, RING1_SCHED_BVT, RING1_SCHED_SEDF, RING1_SCHED_RR),
                         [](const auto& info) { return ring1_sched_policy_name(info.param); });

TEST(SchedParams, NamesOfPolicies) {
  for (uint32_t policy = 0; policy < RING1_SCHED_POLICIES; policy++)
    EXPECT_EQ(ring1_sched_policy_by_name(ring1_sched_policy_name(policy)), policy);
  EXPECT_EQ(ring1_sched_policy_by_name("cred"), uint32_t{RING1_SCHED_POLICIES});
  EXPECT_EQ(ring1_sched_policy_by_name("credit2"), uint32_t{RING1_SCHED_POLICIES});
}

TEST(SchedParams, WhatMakesNoSenseIsRefused) {
  ring1_sched_params good;
  ring1_sched_default_params(&good);
  EXPECT_EQ(ring1_sched_check_params(&good), nullptr);
  const auto wrong = [&](auto change) {
    ring1_sched_params params = good;
    change(params);
    return ring1_sched_check_params(&params) != nullptr;
  };
  EXPECT_TRUE(wrong([](auto& p) { p.weight = 0; }));
  EXPECT_TRUE(wrong([](auto& p) { p.weight = 65536; }));
  EXPECT_TRUE(wrong([](auto& p) { p.cap = 101; }));
  EXPECT_TRUE(wrong([](auto& p) { p.slice = 1; }));
  EXPECT_TRUE(wrong([](auto& p) { p.slice = 2 * p.period; }));
  EXPECT_TRUE(wrong([](auto& p) { p.slice = 50 * kMs, p.period = 5000 * kMs; }));
  EXPECT_TRUE(wrong([](auto& p) { p.slice = 50 * kMs, p.latency = 1; }));
  EXPECT_TRUE(wrong([](auto& p) { p.slice = ~0ULL, p.period = ~0ULL; }));
  EXPECT_TRUE(wrong([](auto& p) { p.warp = ~0ULL; }));
  EXPECT_TRUE(wrong([](auto& p) { p.extratime = 2; }));
  EXPECT_FALSE(wrong([](auto& p) { p.slice = p.period; }));
}

TEST(SchedParams, Claims) {
  ring1_sched_params params;
  ring1_sched_default_params(&params);
  EXPECT_EQ(ring1_sched_claim(&params), 0u);
  params.slice = 25 * kMs;
  EXPECT_EQ(ring1_sched_claim(&params), 250'000u);
}

}  // namespace
}  // namespace ring1::sched
