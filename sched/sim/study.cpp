// SPDX-License-Identifier: GPL-2.0-only
// The comparison of the policies: how exactly a guest gets the share it asked for, by share, period and
// policy, and what three kinds of guests get done side by side. Writes error.csv and throughput.csv into the
// directory given.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>

#include "sched/sim/simulation.h"

namespace {

using namespace ring1::sched::sim;

constexpr uint64_t kMs = RING1_SCHED_MS;
constexpr uint64_t kSecond = 1000 * kMs;

struct Setting {
  uint32_t policy;
  bool conserving;     // of work: nobody idles while another wants to run
  uint64_t period_ms;  // what the policy's grain is: SEDF's period, Credit's slice, BVT's allowance
};

constexpr Setting kSettings[] = {
    {RING1_SCHED_SEDF, true, 10},    {RING1_SCHED_SEDF, true, 30},   {RING1_SCHED_SEDF, true, 100},
    {RING1_SCHED_SEDF, false, 10},   {RING1_SCHED_SEDF, false, 30},  {RING1_SCHED_SEDF, false, 100},
    {RING1_SCHED_CREDIT, true, 10},  {RING1_SCHED_CREDIT, true, 30}, {RING1_SCHED_CREDIT, false, 10},
    {RING1_SCHED_CREDIT, false, 30}, {RING1_SCHED_BVT, true, 1},     {RING1_SCHED_BVT, true, 2},
    {RING1_SCHED_BVT, true, 5},
};

Machine machine_of(const Setting& setting) {
  Machine machine;
  machine.policy = setting.policy;
  machine.switch_cost = 5'000;
  machine.timer_latency = 50'000;
  if (setting.policy == RING1_SCHED_CREDIT)
    machine.tunables.credit_slice = machine.tunables.credit_period = setting.period_ms * kMs;
  if (setting.policy == RING1_SCHED_BVT) machine.tunables.bvt_allowance = setting.period_ms * kMs;
  return machine;
}

// A part of the processor, in percent, in the words of the policy.
ring1_sched_params asking(const Setting& setting, unsigned percent) {
  ring1_sched_params params = default_params();
  params.weight = percent * 100;
  if (setting.policy == RING1_SCHED_SEDF) {
    params.period = setting.period_ms * kMs;
    params.slice = params.period * percent / 100;
    params.extratime = setting.conserving;
  }
  if (setting.policy == RING1_SCHED_CREDIT && !setting.conserving) params.cap = percent;
  return params;
}

const char* mode(const Setting& setting) { return setting.conserving ? "wc" : "nwc"; }

struct Error {
  double mean = 0, worst = 0;  // parts of what was asked for
};

Error error_of(const Setting& setting, unsigned percent, uint64_t window) {
  Simulation simulation(machine_of(setting));
  Guest& guest = simulation.add(Workload::cpu_bound(), asking(setting, percent));
  // The rest is asked for as well; two guests, so that it is not all in one hand.
  const unsigned rest = 100 - percent;
  simulation.add(Workload::cpu_bound(), asking(setting, rest / 2), 3 * kMs);
  simulation.add(Workload::cpu_bound(), asking(setting, rest - rest / 2), 7 * kMs);
  simulation.run_until(3 * kSecond + 12'345'678);
  const int windows = static_cast<int>(100 * kSecond / window);
  Error error;
  for (int i = 0; i < windows; i++) {
    const uint64_t before = guest.run();
    simulation.run_until(simulation.now() + window);
    const double asked = static_cast<double>(window) * percent / 100;
    const double relative = std::abs(static_cast<double>(guest.run() - before) - asked) / asked;
    error.mean += relative / windows;
    error.worst = std::max(error.worst, relative);
  }
  return error;
}

void write_errors(std::ostream& out) {
  out << "policy,mode,period_ms,share_percent,window_ms,mean_error_percent,worst_error_percent\n";
  for (const Setting& setting : kSettings) {
    for (const unsigned share : {1u, 2u, 5u, 10u, 20u, 30u, 40u, 50u, 60u, 70u, 80u, 90u}) {
      for (const uint64_t window : {100 * kMs, kSecond}) {
        const Error error = error_of(setting, share, window);
        char line[128];
        std::snprintf(line, sizeof line, "%s,%s,%llu,%u,%llu,%.2f,%.2f\n", ring1_sched_policy_name(setting.policy),
                      mode(setting), static_cast<unsigned long long>(setting.period_ms), share,
                      static_cast<unsigned long long>(window / kMs), 100 * error.mean, 100 * error.worst);
        out << line;
      }
    }
  }
}

struct Kind {
  const char* name;
  Workload workload;
};

// A third of the processor each. The I/O-bound one is warped where that exists.
void write_throughput(std::ostream& out) {
  const Kind kinds[] = {
      {"cpu", Workload::cpu_bound()}, {"io", Workload::io_bound(300'000, 2 * kMs)}, {"mixed", Workload::mixed()}};
  out << "policy,mode,period_ms,kind,throughput_percent_of_alone,latency_mean_us,latency_worst_us,response_"
         "mean_us\n";
  for (const Setting& setting : kSettings) {
    Simulation together(machine_of(setting));
    for (const Kind& kind : kinds) {
      ring1_sched_params params = asking(setting, 33);
      params.warp_enabled = kind.workload.name == "io";
      params.warp = 50 * kMs;
      together.add(kind.workload, params);
    }
    together.run_until(60 * kSecond);
    for (size_t i = 0; i < std::size(kinds); i++) {
      Simulation alone(machine_of({RING1_SCHED_RR, true, 10}));
      alone.add(kinds[i].workload, default_params());
      alone.run_until(60 * kSecond);
      const Guest& guest = *together.guests()[i];
      const auto mean = [](uint64_t sum, uint64_t count) {
        return count ? static_cast<double>(sum) / static_cast<double>(count) / 1000 : 0;
      };
      const double work = kinds[i].workload.sleep == 0
                              ? static_cast<double>(guest.run()) / (60.0 * kSecond)
                              : static_cast<double>(guest.bursts) / static_cast<double>(alone.guests()[0]->bursts);
      char line[160];
      std::snprintf(line, sizeof line, "%s,%s,%llu,%s,%.1f,%.0f,%.0f,%.0f\n", ring1_sched_policy_name(setting.policy),
                    mode(setting), static_cast<unsigned long long>(setting.period_ms), kinds[i].name, 100 * work,
                    mean(guest.latency_sum, guest.latencies), static_cast<double>(guest.longest_latency) / 1000,
                    mean(guest.response_sum, guest.bursts));
      out << line;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: sched_study DIRECTORY\n";
    return 2;
  }
  const std::string directory = argv[1];
  std::ofstream errors(directory + "/error.csv"), throughput(directory + "/throughput.csv");
  write_errors(errors);
  write_throughput(throughput);
  errors.flush();
  throughput.flush();
  if (!errors || !throughput) {
    std::cerr << "sched_study: cannot write into " << directory << "\n";
    return 1;
  }
  return 0;
}
