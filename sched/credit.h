// SPDX-License-Identifier: GPL-2.0-only
// The credit scheduler, as in Xen. Every 30 ms the processor's time is handed out as credit, by weight;
// running costs credit. Who has some (UNDER) precedes who has none (OVER); among equals it is first come,
// first served with slices of 30 ms. Who wakes up with credit left is boosted before all others until it has
// run 10 ms. A cap is a limit beside the credit: its budget is refilled with the credit, and who has used it
// is parked until then.
//
// Other than Xen:
// - everything is counted in nanoseconds run and not sampled by a tick, so that nobody gains by sleeping at the right
//   moments, and a cap holds within each 30 ms;
// - of those without credit the one with the least debt comes first. Debt is bounded, so taking them in turn would
//   forgive most to those with the least weight.
#pragma once

#include "sched/policy.h"

namespace ring1::sched {

class Credit final : public Policy {
 public:
  void attach(Queue&, Entity&, u64 now) const override;
  void wake(Queue&, Entity&, u64 now) const override;
  void charge(Queue&, Entity&, u64 ns, u64 now) const override;
  void adjust(Queue&, Entity&, u64 now) const override;
  Choice pick(Queue&, u64 now) const override;
  u64 remaining(Queue&, u64 now) const override;
  bool precedes(const Entity& a, const Entity& b, u64 now) const override;
  bool may_run(const Entity&, u64 now) const override;

 private:
  void distribute(Queue&, u64 now) const;
  void hand_out(Queue&, u64 amount) const;
  u64 allowed(const Queue&, const Entity&, u64 now) const;
};

}  // namespace ring1::sched
