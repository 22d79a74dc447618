// SPDX-License-Identifier: GPL-2.0-only
// Random loads for the properties of the scheduling policies. Each case is a seed, which a failure prints;
// RING1_SCHED_SEED runs one seed only, RING1_FUZZ=n n times as many.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <random>
#include <vector>

#include "sched/sim/simulation.h"

namespace ring1::sched::sim {

inline constexpr uint64_t kMs = RING1_SCHED_MS;
inline constexpr uint64_t kSecond = 1000 * kMs;

using Random = std::mt19937_64;

inline uint64_t between(Random& random, uint64_t low, uint64_t high) { return low + random() % (high - low + 1); }

inline void for_each_seed(unsigned count, const std::function<void(Random&)>& property) {
  uint64_t first = 1;
  if (const char* factor = std::getenv("RING1_FUZZ")) count *= static_cast<unsigned>(std::atoi(factor));
  if (const char* only = std::getenv("RING1_SCHED_SEED")) first = std::strtoull(only, nullptr, 0), count = 1;
  for (uint64_t seed = first; seed < first + count; seed++) {
    SCOPED_TRACE("RING1_SCHED_SEED=" + std::to_string(seed));
    Random random(seed);
    property(random);
    if (testing::Test::HasFailure()) return;
  }
}

inline Machine machine_with(uint32_t policy) {
  Machine machine;
  machine.policy = policy;
  return machine;
}

inline std::vector<uint64_t> runs(const Simulation& simulation) {
  std::vector<uint64_t> runs;
  for (const auto& guest : simulation.guests()) runs.push_back(guest->run());
  return runs;
}

// The largest difference, as a part of the window, between what a guest got in one of `windows` consecutive
// windows and its share.
inline double worst_error(Simulation& simulation, const std::vector<double>& shares, uint64_t window, int windows) {
  double worst = 0;
  std::vector<uint64_t> before = runs(simulation);
  for (int i = 0; i < windows; i++) {
    simulation.run_until(simulation.now() + window);
    const std::vector<uint64_t> after = runs(simulation);
    for (size_t guest = 0; guest < shares.size(); guest++) {
      const double got = static_cast<double>(after[guest] - before[guest]) / static_cast<double>(window);
      worst = std::max(worst, std::abs(got - shares[guest]));
    }
    before = after;
  }
  return worst;
}

// Random weights, and the shares of guests that always want to run.
inline std::vector<double> add_weighted(Simulation& simulation, Random& random, unsigned guests) {
  std::vector<uint32_t> weights;
  double sum = 0;
  for (unsigned i = 0; i < guests; i++) sum += weights.emplace_back(static_cast<uint32_t>(between(random, 16, 1024)));
  std::vector<double> shares;
  for (const uint32_t weight : weights) {
    ring1_sched_params params = default_params();
    params.weight = weight;
    simulation.add(Workload::cpu_bound(), params, between(random, 0, 50 * kMs));
    shares.push_back(weight / sum);
  }
  return shares;
}

}  // namespace ring1::sched::sim
