// SPDX-License-Identifier: GPL-2.0-only
// What guests get that do not always want to run or must not, and how long anyone waits.
#include <algorithm>
#include <numeric>

#include "sched_loads.h"

namespace ring1::sched::sim {
namespace {

struct Demand {
  double weight, limit;  // limit: what it can use at most, as a part of the processor
};

// Weighted max-min shares of one processor: nobody can get more without taking from someone who has less.
std::vector<double> max_min(const std::vector<Demand>& demands) {
  std::vector<double> shares(demands.size(), -1);
  double left = 1;
  for (;;) {
    double weights = 0;
    for (size_t i = 0; i < demands.size(); i++) weights += shares[i] < 0 ? demands[i].weight : 0;
    bool satisfied = false;
    const double each = weights > 0 ? left / weights : 0;
    for (size_t i = 0; i < demands.size(); i++) {
      if (shares[i] >= 0 || demands[i].limit > each * demands[i].weight) continue;
      shares[i] = demands[i].limit;
      left -= shares[i];
      satisfied = true;
    }
    if (satisfied) continue;
    for (size_t i = 0; i < demands.size(); i++)
      if (shares[i] < 0) shares[i] = each * demands[i].weight;
    return shares;
  }
}

std::vector<double> shares_over(Simulation& simulation, uint64_t window) {
  const std::vector<uint64_t> before = runs(simulation);
  simulation.run_until(simulation.now() + window);
  std::vector<double> shares;
  for (size_t i = 0; i < before.size(); i++)
    shares.push_back(static_cast<double>(simulation.guests()[i]->run() - before[i]) / static_cast<double>(window));
  return shares;
}

TEST(SchedFairness, WhatSomeDoNotUseIsSharedByWeight) {
  for (const uint32_t policy : {RING1_SCHED_BVT, RING1_SCHED_CREDIT, RING1_SCHED_SEDF}) {
    SCOPED_TRACE(ring1_sched_policy_name(policy));
    for_each_seed(30, [&](Random& random) {
      Simulation simulation(machine_with(policy));
      std::vector<Demand> demands;
      const unsigned guests = static_cast<unsigned>(between(random, 2, 6));
      for (unsigned i = 0; i < guests; i++) {
        ring1_sched_params params = default_params();
        params.weight = static_cast<uint32_t>(between(random, 64, 512));
        const bool batch = i == 0 || random() % 2;
        const uint64_t period = between(random, 10 * kMs, 30 * kMs);
        const uint64_t work = period * between(random, 2, 20) / 100;
        simulation.add(batch ? Workload::cpu_bound() : Workload::timer(work, period), params,
                       between(random, 0, 50 * kMs));
        demands.push_back(
            {static_cast<double>(params.weight), batch ? 1 : static_cast<double>(work) / static_cast<double>(period)});
      }
      const auto expected = max_min(demands);
      simulation.run_until(2 * kSecond);
      const auto got = shares_over(simulation, 20 * kSecond);
      for (unsigned i = 0; i < guests; i++) EXPECT_NEAR(got[i], expected[i], 0.025) << "guest " << i;
    });
  }
}

TEST(SchedFairness, CreditCapsHold) {
  for_each_seed(40, [](Random& random) {
    Simulation simulation(machine_with(RING1_SCHED_CREDIT));
    const uint64_t period = Machine().tunables.credit_period;
    const unsigned guests = static_cast<unsigned>(between(random, 1, 6));
    std::vector<Demand> demands;
    for (unsigned i = 0; i < guests; i++) {
      ring1_sched_params params = default_params();
      params.weight = static_cast<uint32_t>(between(random, 64, 512));
      params.cap = random() % 3 ? static_cast<uint32_t>(between(random, 1, 60)) : 0;
      simulation.add(Workload::cpu_bound(), params, between(random, 0, 50 * kMs));
      demands.push_back({static_cast<double>(params.weight), params.cap ? params.cap / 100.0 : 1.0});
    }
    simulation.run_until(2 * kSecond);
    for (int window = 0; window < 50; window++) {
      const auto got = shares_over(simulation, period);
      for (unsigned i = 0; i < guests; i++)
        EXPECT_LE(got[i], 2 * demands[i].limit + 1e-6) << "guest " << i;  // the window lies across two periods
    }
    const auto got = shares_over(simulation, 10 * kSecond);
    const auto expected = max_min(demands);
    for (unsigned i = 0; i < guests; i++) {
      EXPECT_LE(got[i], demands[i].limit * 1.004) << "guest " << i;
      EXPECT_NEAR(got[i], expected[i], 0.02) << "guest " << i;
    }
  });
}

// Time beyond the claims goes to those with extratime, by weight.
TEST(SchedFairness, SedfSharesExtraTimeByWeight) {
  for_each_seed(30, [](Random& random) {
    Simulation simulation(machine_with(RING1_SCHED_SEDF));
    const unsigned guests = static_cast<unsigned>(between(random, 2, 5));
    std::vector<ring1_sched_params> asked;
    double left = 1, weights = 0;
    for (unsigned i = 0; i < guests; i++) {
      ring1_sched_params params = default_params();
      params.period = between(random, 5 * kMs, 40 * kMs);
      params.slice = params.period * between(random, 5, 15) / 100;
      params.weight = static_cast<uint32_t>(between(random, 64, 512));
      params.extratime = random() % 2;
      simulation.add(Workload::cpu_bound(), params);
      asked.push_back(params);
      left -= static_cast<double>(params.slice) / static_cast<double>(params.period);
      weights += params.extratime ? params.weight : 0;
    }
    simulation.run_until(kSecond);
    const auto got = shares_over(simulation, 10 * kSecond);
    for (unsigned i = 0; i < guests; i++) {
      const double claim = static_cast<double>(asked[i].slice) / static_cast<double>(asked[i].period);
      const double extra = asked[i].extratime ? left * asked[i].weight / weights : 0;
      EXPECT_NEAR(got[i], claim + extra, 0.01) << "guest " << i;
    }
  });
}

// Nobody waits longer than docs/scheduling.md says, among guests that always want to run.
TEST(SchedFairness, WaitsAreBounded) {
  for (const uint32_t policy : {RING1_SCHED_RR, RING1_SCHED_BVT, RING1_SCHED_CREDIT}) {
    SCOPED_TRACE(ring1_sched_policy_name(policy));
    for_each_seed(30, [&](Random& random) {
      const Machine machine = machine_with(policy);
      Simulation simulation(machine);
      const auto shares = add_weighted(simulation, random, static_cast<unsigned>(between(random, 2, 8)));
      simulation.run_until(60 * kSecond);
      const double others = static_cast<double>(shares.size() - 1);
      for (size_t i = 0; i < shares.size(); i++) {
        const auto& tunables = machine.tunables;
        double bound = others * static_cast<double>(tunables.rr_slice);
        if (policy == RING1_SCHED_BVT)
          bound = static_cast<double>(tunables.bvt_allowance + tunables.bvt_granularity) *
                  ((1 - shares[i]) / shares[i] + others);
        if (policy == RING1_SCHED_CREDIT)
          bound = static_cast<double>(tunables.credit_slice) * (2 / shares[i] + others + 1);
        EXPECT_LE(static_cast<double>(simulation.guests()[i]->entity.statistics.longest_wait), bound + 1)
            << "guest " << i;
      }
    });
  }
}

// Claims that fit, of guests that sleep and wake up as they like, whatever the others do.
TEST(SchedFairness, FeasibleClaimsMissNoDeadline) {
  for_each_seed(60, [](Random& random) {
    Simulation simulation(machine_with(RING1_SCHED_SEDF));
    uint32_t left = 1'000'000;
    for (unsigned i = 0; i < 8 && left > 30'000; i++) {
      ring1_sched_params params = default_params();
      params.period = between(random, 1 * kMs, 100 * kMs);
      params.slice = params.period * between(random, 1, left / 10'000 - 1) / 100;
      if (params.slice < 50'000) continue;
      params.extratime = random() % 2;
      params.latency = random() % 2 ? between(random, 100'000, params.period) : 0;
      // A short period has its slice rounded up to 10 us; leave room for that.
      if (params.latency != 0 && params.slice * params.latency / params.period < 10'000) params.latency = 0;
      left -= ring1_sched_claim(&params) + 1;
      Workload load = Workload::cpu_bound();
      if (random() % 2)
        load = {.name = "random",
                .burst = between(random, 10'000, 20 * kMs),
                .sleep = between(random, 10'000, 50 * kMs),
                .spread = 1};
      simulation.add(load, params, between(random, 0, 100 * kMs));
    }
    ring1_sched_params best_effort = default_params();
    best_effort.slice = 200'000, best_effort.period = 100 * kMs;
    if (left > 2'000) simulation.add(Workload::cpu_bound(), best_effort);
    simulation.run_until(20 * kSecond);
    for (const auto& guest : simulation.guests()) {
      EXPECT_EQ(guest->entity.statistics.misses, 0u);
      const auto& params = guest->entity.params;
      EXPECT_LE(guest->entity.statistics.longest_wait, 2 * params.period);
    }
  });
}

}  // namespace
}  // namespace ring1::sched::sim
