// SPDX-License-Identifier: GPL-2.0-only
// A queue with a clock, for the tests of single decisions.
#pragma once

#include <gtest/gtest.h>

#include <deque>

#include "sched/sched.h"

namespace ring1::sched {

inline constexpr uint64_t kMs = RING1_SCHED_MS;
inline constexpr uint64_t kForever = RING1_SCHED_FOREVER;

class SchedTest : public testing::Test {
 protected:
  explicit SchedTest(uint32_t policy) {
    ring1_sched_default_tunables(&tunables);
    ring1_sched_queue_init(&queue, policy, &tunables, now);
  }

  static ring1_sched_params params(uint32_t weight = 256) {
    ring1_sched_params params;
    ring1_sched_default_params(&params);
    params.weight = weight;
    return params;
  }
  ring1_sched_entity& attach(const ring1_sched_params& params) {
    ring1_sched_entity& entity = entities.emplace_back();
    ring1_sched_entity_init(&entity, &params);
    ring1_sched_attach(&queue, &entity, now);
    return entity;
  }
  ring1_sched_entity& awake(const ring1_sched_params& params) {
    ring1_sched_entity& entity = attach(params);
    wake(entity);
    return entity;
  }
  void wake(ring1_sched_entity& entity) { ring1_sched_wake(&entity, now); }
  void sleep(ring1_sched_entity& entity) { ring1_sched_sleep(&entity, now); }
  ring1_sched_choice pick() { return ring1_sched_pick(&queue, now); }
  uint64_t remaining() { return ring1_sched_remaining(&queue, now); }
  // The current entity runs.
  void run(uint64_t ns) {
    now += ns;
    if (queue.current_entity != nullptr) ring1_sched_charge(queue.current_entity, ns, now);
  }

  uint64_t now = 1000 * kMs;
  ring1_sched_tunables tunables;
  ring1_sched_queue queue;
  std::deque<ring1_sched_entity> entities;
};

}  // namespace ring1::sched
