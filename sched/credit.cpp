// SPDX-License-Identifier: GPL-2.0-only
#include "sched/credit.h"

namespace ring1::sched {

namespace {

enum Priority { kBoost, kUnder, kOver };

Priority priority(const Entity& entity) {
  if (entity.credit.credit < 0) return kOver;
  return entity.credit.boosted ? kBoost : kUnder;
}

bool is_parked(const Entity& entity) { return entity.params.cap != 0 && entity.credit.cap_left <= 0; }

s64 cap_budget(const Queue& queue, const Entity& entity) {
  return static_cast<s64>(queue.tunables.credit_period * entity.params.cap / 100);
}

}  // namespace

// A newcomer starts with a little, or it could not be boosted again before the first distribution.
void Credit::attach(Queue& queue, Entity& entity, u64) const {
  if (entity.credit.known) return;
  entity.credit.known = 1;
  entity.credit.credit = static_cast<s64>(queue.tunables.credit_boost);
  entity.credit.cap_left = cap_budget(queue, entity);
}

void Credit::adjust(Queue& queue, Entity& entity, u64) const {
  const s64 budget = cap_budget(queue, entity);
  if (entity.credit.cap_left > budget) entity.credit.cap_left = budget;
}

void Credit::wake(Queue& queue, Entity& entity, u64 now) const {
  distribute(queue, now);
  to_the_end(queue, entity, queue.tunables.credit_slice);
  entity.credit.active = 1;
  if (priority(entity) != kUnder || is_parked(entity)) return;
  entity.credit.boosted = 1;
  entity.credit.boost_used = 0;
}

void Credit::charge(Queue& queue, Entity& entity, u64 ns, u64 now) const {
  auto& state = entity.credit;
  entity.slice_left = less(entity.slice_left, ns);
  state.credit -= static_cast<s64>(ns);
  state.active = 1;
  if (entity.params.cap != 0) state.cap_left -= static_cast<s64>(ns);
  if (state.boosted) {
    state.boost_used += ns;
    if (state.boost_used >= queue.tunables.credit_boost) state.boosted = 0;
  }
  distribute(queue, now);
}

bool Credit::precedes(const Entity& a, const Entity& b, u64) const {
  const Priority priority_a = priority(a), priority_b = priority(b);
  if (priority_a != priority_b) return priority_a < priority_b;
  if (priority_a == kOver && a.credit.credit != b.credit.credit) return a.credit.credit > b.credit.credit;
  return before(a.order, b.order);
}

bool Credit::may_run(const Entity& entity, u64) const { return entity.runnable && !is_parked(entity); }

// For an entity that may run: its slice, its cap, and, if others are parked, the time when they no longer
// are.
u64 Credit::allowed(const Queue& queue, const Entity& entity, u64 now) const {
  u64 rest = is_alone(queue, entity) ? kForever : greatest(entity.slice_left, 1);
  if (entity.params.cap != 0) rest = least(rest, static_cast<u64>(entity.credit.cap_left));
  for_each_runnable(queue, [&](const Entity& other) {
    if (is_parked(other)) rest = least(rest, less(queue.credit_next, now));
  });
  return greatest(rest, 1);
}

Choice Credit::pick(Queue& queue, u64 now) const {
  distribute(queue, now);
  Entity* current = queue.current_entity;
  if (current != nullptr && current->slice_left == 0) {
    to_the_end(queue, *current, queue.tunables.credit_slice);
  } else if (current != nullptr && may_run(*current, now) && queue.ran < queue.tunables.credit_ratelimit) {
    const Entity* first = foremost(*this, queue, now);
    const u64 rest = first != current ? queue.tunables.credit_ratelimit - queue.ran : kForever;
    return {current, least(rest, allowed(queue, *current, now))};
  }
  Entity* next = foremost(*this, queue, now);
  if (next != nullptr) return {next, allowed(queue, *next, now)};
  return {nullptr, queue.runnable != 0 ? greatest(less(queue.credit_next, now), 1) : kForever};
}

u64 Credit::remaining(Queue& queue, u64 now) const {
  const Entity& current = *queue.current_entity;
  if (!may_run(current, now)) return 0;
  if (current.slice_left == 0 && !is_alone(queue, current)) return 0;
  const Entity* first = foremost(*this, queue, now);
  const u64 rest = allowed(queue, current, now);
  if (first == &current || priority(*first) >= priority(current)) return rest;
  return least(rest, less(queue.tunables.credit_ratelimit, queue.ran));
}

}  // namespace ring1::sched
