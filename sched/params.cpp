// SPDX-License-Identifier: GPL-2.0-only
// What may be asked for, what is usual, and the names of the policies.
#include "sched/bvt.h"
#include "sched/credit.h"
#include "sched/sedf.h"

namespace ring1::sched {

namespace {

constexpr Policy kRoundRobin;
constexpr Bvt kBvt;
constexpr Sedf kSedf;
constexpr Credit kCredit;

constexpr const char* kNames[RING1_SCHED_POLICIES] = {"none", "credit", "bvt", "sedf", "rr"};

constexpr u32 kGreatestWeight = 65535;
constexpr u64 kShortestPeriod = 100'000;
constexpr u64 kLongestPeriod = 4000 * kMs;  // below 2^32, so that products of two times fit into 64 bits
constexpr u64 kShortestSlice = 10'000;
constexpr u32 kGreatestCap = 100;
constexpr u64 kLongestWarp = 10'000 * kMs;

bool equal(const char* a, const char* b) {
  while (*a != '\0' && *a == *b) a++, b++;
  return *a == *b;
}

const char* check_sedf(const Params& params) {
  if (params.slice == 0) return nullptr;
  if (params.slice < kShortestSlice) return "slice: at least 10 us, or 0 for a slice by weight";
  if (params.period < kShortestPeriod || params.period > kLongestPeriod) return "period: 100 us to 4 s";
  if (params.slice > params.period) return "slice: no longer than the period";
  if (params.latency != 0 && (params.latency < kShortestPeriod || params.latency > params.period))
    return "latency: 0 or 100 us up to the period";
  return nullptr;
}

const char* check_bvt(const Params& params) {
  if (params.warp_enabled > 1) return "warp: on or off";
  if (params.warp > kLongestWarp || params.warp_limit > kLongestWarp || params.warp_pause > kLongestWarp)
    return "warp, its limit and its pause: up to 10 s";
  return nullptr;
}

}  // namespace

constexpr const Policy* const kPolicies[RING1_SCHED_POLICIES] = {nullptr, &kCredit, &kBvt, &kSedf, &kRoundRobin};

}  // namespace ring1::sched

using namespace ring1::sched;

extern "C" {

void ring1_sched_default_params(ring1_sched_params* params) {
  *params = {.weight = kUsualWeight, .period = 100 * kMs, .extratime = 1};
}

void ring1_sched_default_tunables(ring1_sched_tunables* tunables) {
  *tunables = {.bvt_allowance = 2 * kMs,
               .bvt_granularity = kMs / 10,
               .sedf_extra = kMs / 2,
               .sedf_period = 100 * kMs,
               .credit_slice = 30 * kMs,
               .credit_ratelimit = kMs,
               .credit_period = 30 * kMs,
               .credit_boost = 10 * kMs,
               .rr_slice = 10 * kMs};
}

const char* ring1_sched_check_params(const ring1_sched_params* params) {
  if (params->weight == 0 || params->weight > kGreatestWeight) return "weight: 1 to 65535";
  if (params->cap > kGreatestCap) return "cap: 1 to 100 percent of a processor, or 0 for none";
  if (params->extratime > 1) return "extratime: on or off";
  const char* wrong = check_sedf(*params);
  return wrong != nullptr ? wrong : check_bvt(*params);
}

__u32 ring1_sched_claim(const ring1_sched_params* params) {
  if (params->slice == 0) return 0;
  return static_cast<__u32>(params->slice * 1'000'000 / params->period);
}

__u32 ring1_sched_load(__u32 policy, const ring1_sched_params* params) {
  if (policy == RING1_SCHED_RR) return kUsualWeight;
  if (policy == RING1_SCHED_SEDF && params->slice != 0) return 1 + ring1_sched_claim(params) * 16 / 15625;
  return params->weight;
}

const char* ring1_sched_policy_name(__u32 policy) { return policy < RING1_SCHED_POLICIES ? kNames[policy] : "?"; }

__u32 ring1_sched_policy_by_name(const char* name) {
  __u32 policy = 0;
  while (policy < RING1_SCHED_POLICIES && !equal(name, kNames[policy])) policy++;
  return policy;
}

}  // extern "C"
