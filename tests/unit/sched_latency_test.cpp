// SPDX-License-Identifier: GPL-2.0-only
// A guest that sleeps most of the time is dispatched within a millisecond of waking up, and batch guests keep
// their shares all the same.
#include "sched_loads.h"

namespace ring1::sched::sim {
namespace {

constexpr uint64_t kDispatched = 1 * kMs;

void interactive_beside_batch(uint32_t policy, const ring1_sched_params& interactive) {
  for_each_seed(30, [&](Random& random) {
    Simulation simulation(machine_with(policy));
    const unsigned batch = static_cast<unsigned>(between(random, 2, 5));
    std::vector<double> weights;
    double sum = 0;
    for (unsigned i = 0; i < batch; i++) {
      ring1_sched_params params = default_params();
      params.weight = static_cast<uint32_t>(between(random, 128, 512));
      simulation.add(Workload::cpu_bound(), params);
      sum += weights.emplace_back(params.weight);
    }
    simulation.run_until(kSecond);
    // 2 to 4 % of the processor, well below its share.
    Guest& guest = simulation.add(
        {.name = "interactive", .burst = between(random, 200'000, kMs), .sleep = 24 * kMs, .spread = 0.8}, interactive,
        simulation.now() + 1);
    simulation.run_until(2 * kSecond);
    const std::vector<uint64_t> before = runs(simulation);
    simulation.run_until(22 * kSecond);
    const std::vector<uint64_t> after = runs(simulation);
    EXPECT_GT(guest.latencies, 500u);
    EXPECT_LE(guest.longest_latency, kDispatched);
    const double used = static_cast<double>(after[batch] - before[batch]) / (20.0 * kSecond);
    for (unsigned i = 0; i < batch; i++) {
      const double got = static_cast<double>(after[i] - before[i]) / (20.0 * kSecond);
      EXPECT_NEAR(got, (1 - used) * weights[i] / sum, 0.01) << "batch guest " << i;
    }
  });
}

TEST(SchedLatency, CreditBoostsWhoWakesUp) { interactive_beside_batch(RING1_SCHED_CREDIT, default_params()); }

TEST(SchedLatency, BvtWarpsWhoWakesUp) {
  ring1_sched_params params = default_params();
  params.warp_enabled = 1;
  params.warp = 50 * kMs;
  interactive_beside_batch(RING1_SCHED_BVT, params);
}

// A guest that never sleeps but is warped, or pretends to sleep, gains nothing in the long run.
TEST(SchedLatency, WarpAndBoostAreBorrowedTime) {
  for (const uint32_t policy : {RING1_SCHED_BVT, RING1_SCHED_CREDIT}) {
    SCOPED_TRACE(ring1_sched_policy_name(policy));
    for_each_seed(20, [&](Random& random) {
      Simulation simulation(machine_with(policy));
      ring1_sched_params greedy = default_params();
      greedy.warp_enabled = 1;
      greedy.warp = between(random, kMs, 200 * kMs);
      simulation.add({.name = "greedy", .burst = between(random, kMs, 9 * kMs), .sleep = 1'000}, greedy);
      for (int i = 0; i < 3; i++) simulation.add(Workload::cpu_bound(), default_params());
      simulation.run_until(kSecond);
      const uint64_t before = simulation.guests()[0]->run();
      simulation.run_until(21 * kSecond);
      const double got = static_cast<double>(simulation.guests()[0]->run() - before) / (20.0 * kSecond);
      EXPECT_LE(got, 0.26);
      EXPECT_GE(got, 0.15);
    });
  }
}

TEST(SchedLatency, TheLimitOfAWarpEndsIt) {
  Machine machine = machine_with(RING1_SCHED_BVT);
  Simulation simulation(machine);
  ring1_sched_params params = default_params();
  simulation.add(Workload::cpu_bound(), params);
  params.warp_enabled = 1;
  params.warp = 1000 * kMs;
  params.warp_limit = 20 * kMs;
  params.warp_pause = 1000 * kMs;
  Guest& warped = simulation.add(Workload::cpu_bound(), params, 10 * kMs);
  simulation.run_until(10 * kMs + 20 * kMs);
  EXPECT_NEAR(static_cast<double>(warped.run()), 20e6, 0.2e6);
  const uint64_t before = warped.run();
  simulation.run_until(10 * kMs + 20 * kMs + 10 * kMs);
  EXPECT_EQ(warped.run(), before);  // it pays back first
}

}  // namespace
}  // namespace ring1::sched::sim
