// SPDX-License-Identifier: GPL-2.0-only
#include "sched/sedf.h"

namespace ring1::sched {

namespace {

// Less than this is not worth a switch; it is made up for in the next period.
constexpr s64 kShortest = 5'000;
// A late timer makes an entity overrun its slice. It pays with the following ones, but not without end.
constexpr s64 kMostSlicesOwed = 4;

bool takes_extra(const Entity& entity) { return entity.runnable && entity.params.extratime; }

Entity* foremost_extra(const Queue& queue) {
  Entity* best = nullptr;
  for_each(queue, [&](Entity& entity) {
    if (takes_extra(entity) && (best == nullptr || before(entity.sedf.extra_time, best->sedf.extra_time)))
      best = &entity;
  });
  return best;
}

// Until the next period of one of those begins that `counts`.
template <class Counts>
u64 next_release(const Queue& queue, u64 now, Counts counts) {
  u64 until = kForever;
  for_each_runnable(queue, [&](const Entity& entity) {
    if (entity.sedf.release > now && counts(entity)) until = least(until, entity.sedf.release - now);
  });
  return until;
}

}  // namespace

void Sedf::attach(Queue& queue, Entity& entity, u64 now) const {
  entity.sedf.period = 0;
  if (!entity.sedf.started) entity.sedf.release = entity.sedf.deadline = now;
  share_out(queue);
}

void Sedf::detach(Queue& queue, Entity&, u64) const { share_out(queue); }

void Sedf::adjust(Queue& queue, Entity& entity, u64 now) const {
  entity.sedf.period = 0;
  share_out(queue);
  begin_period(entity, now);
}

void Sedf::migrate(Entity& entity, const Queue& from, const Queue& to) const {
  entity.sedf.extra_time += to.sedf_time - from.sedf_time;
}

void Sedf::begin_period(Entity& entity, u64 now) const {
  auto& state = entity.sedf;
  const s64 debt = state.started && state.budget < 0 ? state.budget : 0;
  state.release = now;
  state.deadline = now + state.period;
  state.budget = static_cast<s64>(state.slice) + debt;
  state.missed = 0;
  state.started = 1;
}

void Sedf::wake(Queue& queue, Entity& entity, u64 now) const {
  auto& state = entity.sedf;
  const Params& params = entity.params;
  if (before(state.extra_time, queue.sedf_time)) state.extra_time = queue.sedf_time;
  to_the_end(queue, entity, 0);

  // A period that is used up goes on until its end, and so does one whose rest is not too much for what is
  // left of it. No product exceeds 64 bits, as periods are below 2^32 ns.
  const u64 left = less(state.deadline, now);
  const u64 rest = state.budget > 0 ? static_cast<u64>(state.budget) : 0;
  if (state.started && left != 0 && (state.release > now || rest * state.period <= left * state.slice)) return;
  // After a long sleep the first period is as short as `latency`, with the same share of the processor.
  if (params.latency != 0 && params.slice != 0 && params.latency < params.period) {
    state.period = params.latency;
    state.slice = greatest(params.slice * params.latency / params.period, kShortest * 2);
  }
  begin_period(entity, now);
}

// The slice is used up. The next period begins where this one ends, unless that is long past.
void Sedf::end_period(Queue& queue, Entity& entity, u64 now) const {
  auto& state = entity.sedf;
  while (state.budget <= kShortest) {
    if (entity.params.slice != 0 && state.period < entity.params.period) {
      state.period = least(state.period * 2, entity.params.period);
      state.slice = state.period == entity.params.period ? entity.params.slice : state.slice * 2;
    }
    state.release = now >= state.deadline + state.period ? now : state.deadline;
    state.deadline = state.release + state.period;
    state.budget += static_cast<s64>(state.slice);
    state.missed = 0;
  }
  to_the_end(queue, entity, 0);
}

void Sedf::charge_extra(Queue& queue, Entity& entity, u64 ns) const {
  entity.sedf.extra_time += virtual_time(ns, entity.params.weight);
  const Entity* first = foremost_extra(queue);
  if (first != nullptr && before(queue.sedf_time, first->sedf.extra_time)) queue.sedf_time = first->sedf.extra_time;
}

void Sedf::charge(Queue& queue, Entity& entity, u64 ns, u64 now) const {
  auto& state = entity.sedf;
  if (queue.extra && queue.current_entity == &entity) return charge_extra(queue, entity, ns);
  // Who had no rival ran on without an end, most of it on time nobody had a claim to.
  u64 paid = ns;
  if (queue.granted == kForever && static_cast<s64>(ns) > state.budget) {
    paid = state.budget > 0 ? static_cast<u64>(state.budget) : 0;
    charge_extra(queue, entity, ns - paid);
  }
  state.budget -= static_cast<s64>(paid);
  const s64 most_owed = -kMostSlicesOwed * static_cast<s64>(state.slice);
  if (state.budget < most_owed) state.budget = most_owed;
  if (state.budget <= kShortest) end_period(queue, entity, now);
}

void Sedf::count_misses(Queue& queue, u64 now) const {
  for_each_runnable(queue, [&](Entity& entity) {
    auto& state = entity.sedf;
    if (state.missed || now <= state.deadline) return;
    state.missed = 1;
    entity.statistics.misses++;
  });
}

bool Sedf::may_run(const Entity& entity, u64 now) const { return entity.runnable && entity.sedf.release <= now; }

bool Sedf::precedes(const Entity& a, const Entity& b, u64) const {
  return a.sedf.deadline != b.sedf.deadline ? a.sedf.deadline < b.sedf.deadline : before(a.order, b.order);
}

u64 Sedf::allowed(const Queue& queue, const Entity& entity, u64 now) const {
  if (is_alone(queue, entity) && entity.params.extratime) return kForever;
  if (queue.extra) {
    const u64 rest = less(queue.tunables.sedf_extra, queue.used);
    return least(rest, next_release(queue, now, [](const Entity&) { return true; }));
  }
  const u64 rest = static_cast<u64>(entity.sedf.budget);
  return least(rest, next_release(queue, now, [&](const Entity& other) { return precedes(other, entity, now); }));
}

Choice Sedf::pick(Queue& queue, u64 now) const {
  count_misses(queue, now);
  queue.used = 0;
  Entity* next = foremost(*this, queue, now);
  queue.extra = next == nullptr;
  if (next == nullptr) next = foremost_extra(queue);
  if (next == nullptr) return {nullptr, next_release(queue, now, [](const Entity&) { return true; })};
  return {next, allowed(queue, *next, now)};
}

u64 Sedf::remaining(Queue& queue, u64 now) const {
  const Entity* current = queue.current_entity;
  const Entity* first = foremost(*this, queue, now);
  if (first != nullptr && first != current) return 0;
  if (first == nullptr && !queue.extra) return 0;
  if (first != nullptr && queue.extra) return 0;
  return allowed(queue, *current, now);
}

}  // namespace ring1::sched
