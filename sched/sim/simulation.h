// SPDX-License-Identifier: GPL-2.0-only
// A discrete-event simulation of processors that run guests under the policies of sched/, the very code of
// the module.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <random>
#include <vector>

#include "sched/sched.h"
#include "sched/sim/workload.h"

namespace ring1::sched::sim {

struct Machine {
  unsigned processors = 1;
  uint32_t policy = RING1_SCHED_CREDIT;
  ring1_sched_tunables tunables;
  uint64_t switch_cost = 0;    // ns lost at each change of guest
  uint64_t timer_latency = 0;  // slices end up to so much late
  uint64_t seed = 1;

  Machine() { ring1_sched_default_tunables(&tunables); }
};

inline ring1_sched_params default_params() {
  ring1_sched_params params;
  ring1_sched_default_params(&params);
  return params;
}

class Guest {
 public:
  Guest(Workload its_workload, const ring1_sched_params& params) : workload(std::move(its_workload)) {
    ring1_sched_entity_init(&entity, &params);
  }
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

  uint64_t run() const { return entity.statistics.run; }

  ring1_sched_entity entity;
  Workload workload;
  unsigned processor = 0;
  bool pinned = false;
  uint64_t burst_left = 0;
  uint64_t bursts = 0;           // completed
  uint64_t due = 0;              // when it wakes up, or should have
  uint64_t woken = 0;            // when it did
  uint64_t longest_latency = 0;  // from waking up to being dispatched
  uint64_t latencies = 0, latency_sum = 0;
  uint64_t response_sum = 0;  // from waking up to the end of the burst
  bool fresh = false;         // has not been dispatched since it woke up
};

class Simulation {
 public:
  explicit Simulation(const Machine& machine);

  // Runs from `start` on; the simulation must not be past it.
  Guest& add(Workload workload, const ring1_sched_params& params, uint64_t start = 0, unsigned processor = 0);
  void adjust(Guest& guest, const ring1_sched_params& params);

  // After it every guest's statistics are those of `time` exactly.
  void run_until(uint64_t time);
  uint64_t now() const { return now_; }
  uint64_t idle(unsigned processor = 0) const { return processors_[processor].idle; }
  const std::vector<std::unique_ptr<Guest>>& guests() const { return guests_; }

 private:
  struct Processor {
    ring1_sched_queue queue;
    uint64_t charged_until = 0;
    uint64_t slice_end = kNever;
    uint64_t overhead = 0;  // of the switch that is going on
    uint64_t generation = 0;
    uint64_t idle = 0;
  };
  struct Event {
    uint64_t time, sequence;
    unsigned processor;   // of a slice's or burst's end
    uint64_t generation;  // of it: outdated if the processor has chosen anew since
    Guest* guest;         // wakes up
    bool operator>(const Event& other) const {
      return time != other.time ? time > other.time : sequence > other.sequence;
    }
  };

  Guest* current(Processor& processor);
  void settle(unsigned index);
  void plan(unsigned index, uint64_t slice);
  void choose(unsigned index);
  void reconsider(unsigned index);
  void steal(unsigned index);
  void wake(Guest& guest);
  void fall_asleep(Guest& guest);
  void at(uint64_t time, unsigned processor, uint64_t generation, Guest* guest);

  Machine machine_;
  std::mt19937_64 random_;
  std::vector<Processor> processors_;
  std::vector<std::unique_ptr<Guest>> guests_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  uint64_t now_ = 0, sequence_ = 0;
};

}  // namespace ring1::sched::sim
