// SPDX-License-Identifier: GPL-2.0-only
// Borrowed virtual time (Duda and Cheriton, SOSP 1999; Xen's first scheduler). Each entity has an actual
// virtual time that advances while it runs, the slower the greater its weight; the one with the earliest
// *effective* virtual time runs. Warping takes a constant off the effective time after a wake-up: the entity
// runs at once, on time borrowed from its own future, since its actual virtual time advances all the same.
#pragma once

#include "sched/policy.h"

namespace ring1::sched {

class Bvt final : public Policy {
 public:
  void attach(Queue&, Entity&, u64 now) const override;
  void wake(Queue&, Entity&, u64 now) const override;
  void charge(Queue&, Entity&, u64 ns, u64 now) const override;
  void adjust(Queue&, Entity&, u64 now) const override;
  Choice pick(Queue&, u64 now) const override;
  u64 remaining(Queue&, u64 now) const override;
  bool precedes(const Entity& a, const Entity& b, u64 now) const override;
  void migrate(Entity&, const Queue& from, const Queue& to) const override;

 private:
  void begin_warp(Entity&, u64 now) const;
  void advance_queue(Queue&) const;
  u64 allowed(const Queue&, const Entity& current) const;
};

}  // namespace ring1::sched
