// SPDX-License-Identifier: GPL-2.0-only
// What a simulated guest does: it computes for a while, then sleeps until something happens, and so on.
#pragma once

#include <cstdint>
#include <random>
#include <string>

namespace ring1::sched::sim {

inline constexpr uint64_t kNever = ~uint64_t{0};

struct Workload {
  std::string name;
  // Nanoseconds of computing before it sleeps; kNever: it never does.
  uint64_t burst = kNever;
  uint64_t sleep = 0;
  // Both are drawn from a uniform distribution of this relative width around their means: 0 none, 1 from 0 to
  // twice.
  double spread = 0;
  // A burst is due each `sleep`, as with a periodic timer; a guest that is late catches up.
  bool periodic = false;

  static Workload cpu_bound() { return {.name = "cpu"}; }
  // A server: little work for each request, and most of the time none.
  static Workload io_bound(uint64_t burst, uint64_t sleep) {
    return {.name = "io", .burst = burst, .sleep = sleep, .spread = 0.5};
  }
  static Workload timer(uint64_t burst, uint64_t period) {
    return {.name = "timer", .burst = burst, .sleep = period, .periodic = true};
  }
  // Computes most of the time and waits for a disk in between.
  static Workload mixed() { return {.name = "mixed", .burst = 20'000'000, .sleep = 5'000'000, .spread = 0.5}; }
};

inline uint64_t drawn(std::mt19937_64& random, uint64_t mean, double spread) {
  if (spread == 0 || mean == kNever) return mean;
  const double factor = 1 + spread * (2 * std::generate_canonical<double, 53>(random) - 1);
  return static_cast<uint64_t>(static_cast<double>(mean) * factor) + 1;
}

}  // namespace ring1::sched::sim
