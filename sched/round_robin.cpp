// SPDX-License-Identifier: GPL-2.0-only
// Round robin: everyone gets the same slice in turn. Who wakes up goes to the end of the line and preempts
// nobody, so nobody waits longer than the slices of all others.
#include "sched/policy.h"

namespace ring1::sched {

void to_the_end(Queue& queue, Entity& entity, u64 slice) {
  entity.order = queue.next_order++;
  entity.slice_left = slice;
}

bool is_alone(const Queue& queue, const Entity& entity) { return entity.runnable && queue.runnable == 1; }

Entity* foremost(const Policy& policy, const Queue& queue, u64 now) {
  Entity* best = nullptr;
  for_each_runnable(queue, [&](Entity& entity) {
    if (policy.may_run(entity, now) && (best == nullptr || policy.precedes(entity, *best, now))) best = &entity;
  });
  return best;
}

void Policy::wake(Queue& queue, Entity& entity, u64) const { to_the_end(queue, entity, queue.tunables.rr_slice); }

void Policy::charge(Queue&, Entity& entity, u64 ns, u64) const { entity.slice_left = less(entity.slice_left, ns); }

bool Policy::precedes(const Entity& a, const Entity& b, u64) const { return before(a.order, b.order); }

bool Policy::may_run(const Entity& entity, u64) const { return entity.runnable; }

Choice Policy::pick(Queue& queue, u64 now) const {
  Entity* current = queue.current_entity;
  if (current != nullptr && current->slice_left == 0) to_the_end(queue, *current, queue.tunables.rr_slice);
  Entity* next = foremost(*this, queue, now);
  if (next == nullptr) return {nullptr, kForever};
  return {next, is_alone(queue, *next) ? kForever : next->slice_left};
}

u64 Policy::remaining(Queue& queue, u64) const {
  return is_alone(queue, *queue.current_entity) ? kForever : queue.current_entity->slice_left;
}

}  // namespace ring1::sched
