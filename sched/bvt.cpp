// SPDX-License-Identifier: GPL-2.0-only
#include "sched/bvt.h"

namespace ring1::sched {

namespace {

u64 effective(const Entity& entity) {
  const u64 borrowed = entity.bvt.warping ? virtual_time(entity.params.warp, kUsualWeight) : 0;
  return entity.bvt.virtual_time - borrowed;
}

// Less than this is not worth an interrupt.
constexpr s64 kShortest = 1'000;

// ns that an entity may run until it is `allowance` beyond a virtual time that lies `lead` ahead of, or
// behind, its own.
u64 until_lead(u64 lead, u32 weight, u64 allowance) {
  const __int128 turn = static_cast<__int128>(static_cast<s64>(lead)) * weight >> 16;
  static_assert(kVirtualScale == 1 << 16);
  const __int128 until = turn + static_cast<s64>(allowance);
  if (until > s64{kLongestCharge}) return kLongestCharge;
  return until > kShortest ? static_cast<u64>(until) : 0;
}

}  // namespace

void Bvt::attach(Queue& queue, Entity& entity, u64) const {
  if (before(entity.bvt.virtual_time, queue.bvt_time)) entity.bvt.virtual_time = queue.bvt_time;
}

// The queue's time is the earliest actual one of those who want to run; it never goes back.
void Bvt::advance_queue(Queue& queue) const {
  const Entity* earliest = nullptr;
  for_each_runnable(queue, [&](Entity& entity) {
    if (earliest == nullptr || before(entity.bvt.virtual_time, earliest->bvt.virtual_time)) earliest = &entity;
  });
  if (earliest != nullptr && before(queue.bvt_time, earliest->bvt.virtual_time))
    queue.bvt_time = earliest->bvt.virtual_time;
}

void Bvt::begin_warp(Entity& entity, u64 now) const {
  auto& state = entity.bvt;
  if (state.warping || !entity.params.warp_enabled) return;
  if (!state.may_warp_at_once && now - state.warp_ended < entity.params.warp_pause) return;
  state.warping = 1;
  state.warped = 0;
}

// Who slept has no claim to the time it did not use, but what it ran too much is not forgotten.
void Bvt::wake(Queue& queue, Entity& entity, u64 now) const {
  if (before(entity.bvt.virtual_time, queue.bvt_time)) entity.bvt.virtual_time = queue.bvt_time;
  begin_warp(entity, now);
}

void Bvt::charge(Queue& queue, Entity& entity, u64 ns, u64 now) const {
  auto& state = entity.bvt;
  state.virtual_time += virtual_time(ns, entity.params.weight);
  if (state.warping) {
    state.warped += ns;
    if (entity.params.warp_limit != 0 && state.warped >= entity.params.warp_limit) {
      state.warping = 0;
      state.may_warp_at_once = 0;
      state.warp_ended = now;
    }
  }
  advance_queue(queue);
}

void Bvt::adjust(Queue&, Entity& entity, u64) const {
  entity.bvt.warping = 0;
  entity.bvt.may_warp_at_once = 1;
}

bool Bvt::precedes(const Entity& a, const Entity& b, u64) const {
  const u64 time_a = effective(a), time_b = effective(b);
  return time_a != time_b ? before(time_a, time_b) : before(a.order, b.order);
}

// Until its effective time exceeds the next one's by the allowance, which is real time and saves switches;
// one that has warped need not wait for the allowance.
u64 Bvt::allowed(const Queue& queue, const Entity& current) const {
  u64 allowed = kForever;
  for_each_runnable(queue, [&](Entity& other) {
    if (&other == &current) return;
    const u64 lead = effective(other) - effective(current);
    const u64 allowance = other.bvt.warping ? 0 : queue.tunables.bvt_allowance;
    allowed = least(allowed, until_lead(lead, current.params.weight, allowance));
  });
  // The end of the warp changes the order.
  if (current.bvt.warping && current.params.warp_limit != 0 && allowed != kForever)
    allowed = least(allowed, less(current.params.warp_limit, current.bvt.warped));
  return greatest(allowed, less(queue.tunables.bvt_granularity, queue.ran));
}

Choice Bvt::pick(Queue& queue, u64 now) const {
  Entity* current = queue.current_entity;
  if (current != nullptr) {
    const u64 rest = allowed(queue, *current);
    if (rest != 0) return {current, rest};
  }
  Entity* next = foremost(*this, queue, now);
  if (next == nullptr) return {nullptr, kForever};
  u64 slice = allowed(queue, *next);
  if (next != current) slice = greatest(slice, queue.tunables.bvt_granularity);
  return {next, greatest(slice, 1)};
}

u64 Bvt::remaining(Queue& queue, u64) const { return allowed(queue, *queue.current_entity); }

void Bvt::migrate(Entity& entity, const Queue& from, const Queue& to) const {
  entity.bvt.virtual_time += to.bvt_time - from.bvt_time;
}

}  // namespace ring1::sched
