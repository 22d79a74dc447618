// SPDX-License-Identifier: GPL-2.0-only
// What a policy decides. Policies have no state of their own: it lies in queues and entities.
#pragma once

#include "sched/sched.h"

namespace ring1::sched {

using u64 = __u64;
using s64 = __s64;
using u32 = __u32;
using Entity = ring1_sched_entity;
using Queue = ring1_sched_queue;
using Choice = ring1_sched_choice;
using Params = ring1_sched_params;

inline constexpr u64 kForever = RING1_SCHED_FOREVER;
inline constexpr u64 kMs = RING1_SCHED_MS;
inline constexpr u32 kUsualWeight = 256;

// Virtual time per nanosecond of an entity of weight 1. Large, so that the share of one nanosecond is not
// rounded away even at the greatest weight; the sums wrap, which is why virtual times are compared by
// before().
inline constexpr u64 kVirtualScale = u64{1} << 16;

inline bool before(u64 a, u64 b) { return static_cast<s64>(a - b) < 0; }

// The longest time that is charged at once, and so what products of times and weights must hold: 18 minutes.
inline constexpr u64 kLongestCharge = u64{1} << 40;
inline u64 virtual_time(u64 ns, u32 weight) { return ns * kVirtualScale / weight; }

// The functions that nothing overrides are first come, first served with a slice of rr_slice: round robin.
// There is no pure function, as code in the kernel has no runtime library that would catch the call of one.
class Policy {
 public:
  // The entity is in the queue's list, asleep.
  virtual void attach(Queue&, Entity&, u64 /*now*/) const {}
  // It has just left the list.
  virtual void detach(Queue&, Entity&, u64 /*now*/) const {}
  // It becomes runnable, or stops being so.
  virtual void wake(Queue& queue, Entity& entity, u64 now) const;
  virtual void sleep(Queue&, Entity&, u64 /*now*/) const {}
  virtual void charge(Queue& queue, Entity& entity, u64 ns, u64 now) const;
  // Its parameters are new.
  virtual void adjust(Queue&, Entity&, u64 /*now*/) const {}
  // May change whatever has become due by now. The current entity, if runnable, is one of those to choose
  // from.
  virtual Choice pick(Queue& queue, u64 now) const;
  // How long the current entity, which is runnable, may go on.
  virtual u64 remaining(Queue& queue, u64 now) const;
  // a should be dispatched rather than b; both are runnable and free to run now.
  virtual bool precedes(const Entity& a, const Entity& b, u64 now) const;
  // Runnable, and neither out of budget nor over its cap.
  virtual bool may_run(const Entity& entity, u64 now) const;
  // The state that is relative to a queue's is made relative to the other's. In no queue at the moment.
  virtual void migrate(Entity&, const Queue& /*from*/, const Queue& /*to*/) const {}
};

extern const Policy* const kPolicies[RING1_SCHED_POLICIES];
inline const Policy& policy_of(const Queue& queue) { return *kPolicies[queue.policy]; }

// To the end of the line of equals, with a fresh slice.
void to_the_end(Queue& queue, Entity& entity, u64 slice);
// The one that precedes all others, or null.
Entity* foremost(const Policy& policy, const Queue& queue, u64 now);
// Runnable and alone in that.
bool is_alone(const Queue& queue, const Entity& entity);

template <class Action>
void for_each(const Queue& queue, Action action) {
  for (Entity* entity = queue.first; entity != nullptr; entity = entity->next) action(*entity);
}
template <class Action>
void for_each_runnable(const Queue& queue, Action action) {
  for_each(queue, [&](Entity& entity) {
    if (entity.runnable) action(entity);
  });
}

inline u64 least(u64 a, u64 b) { return a < b ? a : b; }
inline u64 greatest(u64 a, u64 b) { return a > b ? a : b; }
inline u64 less(u64 a, u64 b) { return a > b ? a - b : 0; }

}  // namespace ring1::sched
