// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/sched/shares.h"

#include <algorithm>

namespace ring1::vmm {

namespace {

struct Wish {
  double claim = 0;   // has it in any case
  double weight = 0;  // for a part of the rest
  double limit = 1;   // nobody has more than one processor
};

Wish wish_of(const SchedState& guest) {
  const ring1_sched_params& params = guest.params;
  Wish wish;
  wish.weight = guest.policy == "credit" || guest.policy == "bvt" || guest.policy == "sedf" ? params.weight : 1;
  if (guest.policy == "credit" && params.cap) wish.limit = params.cap / 100.0;
  if (guest.policy == "sedf" && params.slice) {
    wish.claim = static_cast<double>(params.slice) / static_cast<double>(std::max<uint64_t>(params.period, 1));
    if (!params.extratime) wish.weight = 0;
  }
  return wish;
}

}  // namespace

// Claims first, then weighted max-min: what one may not take is shared by the others.
std::vector<double> asked_shares(const std::vector<SchedState>& guests, unsigned processors) {
  std::vector<Wish> wishes;
  std::vector<double> shares;
  double left = processors;
  for (const SchedState& guest : guests) {
    const Wish& wish = wishes.emplace_back(wish_of(guest));
    left -= shares.emplace_back(wish.claim);
  }
  std::vector<bool> open(guests.size(), true);
  for (size_t round = 0; round < guests.size() + 1 && left > 0; round++) {
    double weights = 0;
    for (size_t i = 0; i < guests.size(); i++) weights += open[i] ? wishes[i].weight : 0;
    if (weights == 0) break;
    const double each = left / weights;
    bool closed = false;
    for (size_t i = 0; i < guests.size(); i++) {
      const double room = wishes[i].limit - shares[i];
      if (!open[i] || wishes[i].weight == 0 || each * wishes[i].weight < room) continue;
      shares[i] += room;
      left -= room;
      open[i] = false;
      closed = true;
    }
    if (closed) continue;
    for (size_t i = 0; i < guests.size(); i++)
      if (open[i]) shares[i] += each * wishes[i].weight;
    break;
  }
  return shares;
}

}  // namespace ring1::vmm
