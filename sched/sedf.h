// SPDX-License-Identifier: GPL-2.0-only
// Simple earliest deadline first, as in Xen: an entity is guaranteed `slice` in each `period`. Among those
// with slice left the one whose period ends first runs. Entities with extratime also share, by weight, what
// nobody has a claim to. Entities without a slice get one by weight, of what the claims leave.
//
// A set whose claims do not exceed the processor misses no deadline. Who sleeps must not break that for the
// others, so a wake-up follows the rule of the constant bandwidth server (Abeni and Buttazzo, RTSS 1998): the
// old period goes on only if what is left of the slice could not exceed the entity's share of the processor
// until the old deadline.
#pragma once

#include "sched/policy.h"

namespace ring1::sched {

class Sedf final : public Policy {
 public:
  void attach(Queue&, Entity&, u64 now) const override;
  void detach(Queue&, Entity&, u64 now) const override;
  void wake(Queue&, Entity&, u64 now) const override;
  void charge(Queue&, Entity&, u64 ns, u64 now) const override;
  void adjust(Queue&, Entity&, u64 now) const override;
  Choice pick(Queue&, u64 now) const override;
  u64 remaining(Queue&, u64 now) const override;
  bool precedes(const Entity& a, const Entity& b, u64 now) const override;
  bool may_run(const Entity&, u64 now) const override;
  void migrate(Entity&, const Queue& from, const Queue& to) const override;

 private:
  void share_out(Queue&) const;
  void begin_period(Entity&, u64 now) const;
  void end_period(Queue&, Entity&, u64 now) const;
  void charge_extra(Queue&, Entity&, u64 ns) const;
  void count_misses(Queue&, u64 now) const;
  u64 allowed(const Queue&, const Entity&, u64 now) const;
};

}  // namespace ring1::sched
