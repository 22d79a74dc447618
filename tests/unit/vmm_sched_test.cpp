// SPDX-License-Identifier: GPL-2.0-only
#include <gtest/gtest.h>

#include <cmath>

#include "vmm/failure.h"
#include "vmm/options.h"
#include "vmm/sched/settings.h"
#include "vmm/sched/shares.h"

namespace ring1::vmm::test {
namespace {

Options parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "ring1");
  return *parse_options(static_cast<int>(arguments.size()), arguments.data());
}

SchedState guest(const char* policy, uint32_t weight) {
  SchedState state{policy, {}};
  state.params.weight = weight;
  return state;
}

TEST(VmmSched, OptionsOfRun) {
  const RunOptions options = std::get<RunOptions>(
      parse({"run", "--kernel",           "k",  "--sched-weight",     "512", "--sched-cap",       "50", "--sched-slice",
             "2.5", "--sched-period",     "20", "--sched-latency",    "5",   "--sched-extratime", "0",  "--sched-warp",
             "10",  "--sched-warp-limit", "3",  "--sched-warp-pause", "4"})
          .command);
  ring1_sched_params params{};
  params.extratime = 1;
  options.sched.apply(params);
  EXPECT_EQ(params.weight, 512u);
  EXPECT_EQ(params.cap, 50u);
  EXPECT_EQ(params.slice, 2'500'000u);
  EXPECT_EQ(params.period, 20'000'000u);
  EXPECT_EQ(params.latency, 5'000'000u);
  EXPECT_EQ(params.extratime, 0u);
  EXPECT_EQ(params.warp_enabled, 1u);
  EXPECT_EQ(params.warp, 10'000'000u);
  EXPECT_EQ(params.warp_limit, 3'000'000u);
  EXPECT_EQ(params.warp_pause, 4'000'000u);
}

TEST(VmmSched, WhatIsNotSaidStays) {
  EXPECT_FALSE(std::get<RunOptions>(parse({"run", "--kernel", "k"}).command).sched.any());
  const SchedOptions options = std::get<SchedOptions>(parse({"sched", "17", "--weight", "3"}).command);
  EXPECT_EQ(options.pid, 17);
  ring1_sched_params params{};
  params.cap = 7;
  params.warp_enabled = 1;
  options.change.apply(params);
  EXPECT_EQ(params.weight, 3u);
  EXPECT_EQ(params.cap, 7u);
  EXPECT_EQ(params.warp_enabled, 1u);
}

TEST(VmmSched, WrongOptions) {
  EXPECT_THROW(parse({"sched", "--weight", "3"}), Failure);
  EXPECT_THROW(parse({"sched", "17", "--weight", "x"}), Failure);
  EXPECT_THROW(parse({"top", "--interval", "0"}), Failure);
  SchedChange change;
  change.slice = -1;
  ring1_sched_params params{};
  EXPECT_THROW(change.apply(params), Failure);
  change.slice = NAN;
  EXPECT_THROW(change.apply(params), Failure);
}

TEST(VmmSched, DebugfsTextAndBack) {
  ring1_sched_params params{};
  params.weight = 100;
  params.slice = 10'000'000;
  params.period = 100'000'000;
  params.warp_pause = 9;
  const auto state = parse_sched("policy sedf\n" + sched_text(params));
  ASSERT_TRUE(state);
  EXPECT_EQ(state->policy, "sedf");
  EXPECT_EQ(sched_text(state->params), sched_text(params));
  EXPECT_EQ(describe_sched(*state), "10 ms of 100 ms");
  EXPECT_FALSE(parse_sched("nonsense"));
}

TEST(VmmSched, SharesByWeight) {
  const auto shares = asked_shares({guest("credit", 100), guest("credit", 300)}, 1);
  EXPECT_NEAR(shares[0], 0.25, 1e-9);
  EXPECT_NEAR(shares[1], 0.75, 1e-9);
}

TEST(VmmSched, WhatACapLeavesIsShared) {
  SchedState capped = guest("credit", 800);
  capped.params.cap = 20;
  const auto shares = asked_shares({capped, guest("credit", 100), guest("credit", 100)}, 1);
  EXPECT_NEAR(shares[0], 0.2, 1e-9);
  EXPECT_NEAR(shares[1], 0.4, 1e-9);
}

TEST(VmmSched, NobodyHasMoreThanOneProcessor) {
  const auto shares = asked_shares({guest("rr", 256), guest("rr", 1)}, 4);
  EXPECT_NEAR(shares[0], 1, 1e-9);
  EXPECT_NEAR(shares[1], 1, 1e-9);
}

TEST(VmmSched, ClaimsComeFirst) {
  SchedState claim = guest("sedf", 256);
  claim.params.slice = 30;
  claim.params.period = 100;
  SchedState rest = guest("sedf", 256);
  rest.params.extratime = 1;
  auto shares = asked_shares({claim, rest}, 1);
  EXPECT_NEAR(shares[0], 0.3, 1e-9);
  EXPECT_NEAR(shares[1], 0.7, 1e-9);
  claim.params.extratime = 1;
  shares = asked_shares({claim, rest}, 1);
  EXPECT_NEAR(shares[0], 0.65, 1e-9);
  EXPECT_NEAR(shares[1], 0.35, 1e-9);
}

}  // namespace
}  // namespace ring1::vmm::test
