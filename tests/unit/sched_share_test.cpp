// SPDX-License-Identifier: GPL-2.0-only
// Who always wants to run gets its share: of every second within 1 %, of every 100 ms within 5 % of the
// processor.
#include "sched_loads.h"

namespace ring1::sched::sim {
namespace {

TEST(SchedShare, BvtFollowsTheWeights) {
  for_each_seed(40, [](Random& random) {
    Simulation simulation(machine_with(RING1_SCHED_BVT));
    const auto shares = add_weighted(simulation, random, static_cast<unsigned>(between(random, 2, 8)));
    simulation.run_until(between(random, 200 * kMs, kSecond));
    EXPECT_LE(worst_error(simulation, shares, 100 * kMs, 100), 0.05);
    EXPECT_LE(worst_error(simulation, shares, kSecond, 20), 0.01);
  });
}

// Slices and periods of claims that fit; what is left stays idle.
TEST(SchedShare, SedfFollowsTheClaims) {
  for_each_seed(40, [](Random& random) {
    Simulation simulation(machine_with(RING1_SCHED_SEDF));
    std::vector<double> shares;
    double left = 0.98;
    const unsigned guests = static_cast<unsigned>(between(random, 1, 8));
    for (unsigned i = 0; i < guests; i++) {
      ring1_sched_params params = default_params();
      const double share = left * static_cast<double>(between(random, 10, 60)) / 100;
      left -= share;
      params.extratime = 0;
      params.period = between(random, 2 * kMs, 10 * kMs);
      params.slice = static_cast<uint64_t>(static_cast<double>(params.period) * share);
      simulation.add(Workload::cpu_bound(), params, between(random, 0, 50 * kMs));
      shares.push_back(static_cast<double>(params.slice) / static_cast<double>(params.period));
    }
    simulation.run_until(between(random, 200 * kMs, kSecond));
    EXPECT_LE(worst_error(simulation, shares, 100 * kMs, 100), 0.05);
    EXPECT_LE(worst_error(simulation, shares, kSecond, 20), 0.01);
    for (const auto& guest : simulation.guests()) EXPECT_EQ(guest->entity.statistics.misses, 0u);
  });
}

TEST(SchedShare, SedfFollowsTheWeightsWhereThereAreNoSlices) {
  for_each_seed(40, [](Random& random) {
    Simulation simulation(machine_with(RING1_SCHED_SEDF));
    const auto shares = add_weighted(simulation, random, static_cast<unsigned>(between(random, 2, 8)));
    simulation.run_until(between(random, 200 * kMs, kSecond));
    EXPECT_LE(worst_error(simulation, shares, 100 * kMs, 100), 0.05);
    EXPECT_LE(worst_error(simulation, shares, kSecond, 20), 0.01);
  });
}

// Whole slices of 30 ms: a guest is at most three of them ahead or behind in a second, whatever the weights.
TEST(SchedShare, CreditFollowsTheWeightsWithinItsSlices) {
  for_each_seed(40, [](Random& random) {
    Simulation simulation(machine_with(RING1_SCHED_CREDIT));
    const auto shares = add_weighted(simulation, random, static_cast<unsigned>(between(random, 2, 8)));
    simulation.run_until(between(random, kSecond, 2 * kSecond));
    EXPECT_LE(worst_error(simulation, shares, kSecond, 20), 0.09);
    EXPECT_LE(worst_error(simulation, shares, 10 * kSecond, 5), 0.01);
  });
}

TEST(SchedShare, RoundRobinIsEven) {
  for_each_seed(40, [](Random& random) {
    Simulation simulation(machine_with(RING1_SCHED_RR));
    const unsigned guests = static_cast<unsigned>(between(random, 2, 8));
    add_weighted(simulation, random, guests);
    const std::vector<double> shares(guests, 1.0 / guests);
    simulation.run_until(kSecond);
    EXPECT_LE(worst_error(simulation, shares, kSecond, 20), 0.011);
  });
}

}  // namespace
}  // namespace ring1::sched::sim
