// SPDX-License-Identifier: GPL-2.0-only
// What entities of a SEDF queue get that have no slice of their own.
#include "sched/sedf.h"

namespace ring1::sched {

namespace {

// Of each sedf_period, withheld from entities with a weight only: 1/20, so that their slices do not fill the
// processor up to the last nanosecond.
constexpr u64 kReserve = 20;
// The least slice, as a part of sedf_period: however great the claims are, nobody starves.
constexpr u64 kLeast = 1000;

u64 slice_by_weight(const Queue& queue, const Entity& entity) {
  const u64 period = queue.tunables.sedf_period;
  u64 claimed = period / kReserve, weights = 0;
  for_each(queue, [&](const Entity& other) {
    if (other.params.slice != 0)
      claimed += period * ring1_sched_claim(&other.params) / 1'000'000;
    else
      weights += other.params.weight;
  });
  return greatest(less(period, claimed) * entity.params.weight / weights, period / kLeast);
}

}  // namespace

void Sedf::share_out(Queue& queue) const {
  for_each(queue, [&](Entity& entity) {
    auto& state = entity.sedf;
    if (entity.params.slice == 0) {
      state.period = queue.tunables.sedf_period;
      state.slice = slice_by_weight(queue, entity);
    } else if (state.period == 0) {
      state.period = entity.params.period;
      state.slice = entity.params.slice;
    }
    if (state.budget > static_cast<s64>(state.slice)) state.budget = static_cast<s64>(state.slice);
  });
}

}  // namespace ring1::sched
