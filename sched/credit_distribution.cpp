// SPDX-License-Identifier: GPL-2.0-only
// The processor's time as credit.
#include "sched/credit.h"

namespace ring1::sched {

namespace {

// Credit does not pile up while an entity sleeps, and neither does debt: nobody who comes back holds the
// processor for longer than this, or pays for longer.
s64 most(const Queue& queue) { return static_cast<s64>(queue.tunables.credit_period); }
// Who waits keeps more: the slices of others are long, and cutting would take from those with the greatest
// weights.
constexpr s64 kWaiting = 16;

// Further periods that passed without a distribution, while nobody competed, change nothing.
constexpr u64 kMostPeriods = 64;
// Each round satisfies somebody, and what is left after some is next to nothing.
constexpr int kRounds = 8;

// What an entity can be given before it has the most it may have. Who is capped cannot use more than its cap.
u64 room(const Queue& queue, const Entity& entity, u64 periods) {
  const s64 left = most(queue) * (entity.runnable ? kWaiting : 1) - entity.credit.credit;
  u64 room = left > 0 ? static_cast<u64>(left) : 0;
  if (entity.params.cap != 0) room = least(room, periods * queue.tunables.credit_period * entity.params.cap / 100);
  return room;
}

}  // namespace

// Weighted max-min: what one cannot take is shared by the others.
void Credit::hand_out(Queue& queue, u64 amount) const {
  const u64 periods = amount / queue.tunables.credit_period;
  for_each(queue, [&](Entity& entity) { entity.credit.room = room(queue, entity, periods); });
  for (int round = 0; round < kRounds && amount != 0; round++) {
    u64 weights = 0;
    for_each(queue, [&](const Entity& entity) {
      if (entity.credit.active && entity.credit.room != 0) weights += entity.params.weight;
    });
    if (weights == 0) break;
    u64 given = 0;
    for_each(queue, [&](Entity& entity) {
      if (!entity.credit.active || entity.credit.room == 0) return;
      const u64 share = least(amount * entity.params.weight / weights, entity.credit.room);
      entity.credit.credit += static_cast<s64>(share);
      entity.credit.room -= share;
      given += share;
    });
    if (given == 0) break;
    amount -= given;
  }
}

void Credit::distribute(Queue& queue, u64 now) const {
  if (now < queue.credit_next) return;
  const u64 period = queue.tunables.credit_period;
  const u64 passed = (now - queue.credit_next) / period + 1;
  const u64 periods = least(passed, kMostPeriods);
  queue.credit_next += passed * period;
  hand_out(queue, periods * period);
  for_each(queue, [&](Entity& entity) {
    auto& state = entity.credit;
    if (state.credit < -most(queue)) state.credit = -most(queue);
    state.active = entity.runnable;
    const s64 budget = static_cast<s64>(period * entity.params.cap / 100);
    const u64 refill = periods * static_cast<u64>(budget);
    state.cap_left += static_cast<s64>(refill);
    if (state.cap_left > budget) state.cap_left = budget;
  });
}

}  // namespace ring1::sched
