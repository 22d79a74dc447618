// SPDX-License-Identifier: GPL-2.0-only
// What a guest asks of the scheduler, as the command line says it (milliseconds) and as the module shows it
// in debugfs.
#pragma once

#include <optional>
#include <string>

#include "include/ring1/api.h"

namespace ring1::vmm {

// Nothing: stays as it is.
struct SchedChange {
  std::optional<uint32_t> weight, cap;
  std::optional<double> slice, period, latency, warp, warp_limit, warp_pause;  // ms
  std::optional<bool> extratime;

  bool any() const;
  // Throws a Failure for a time that is none.
  void apply(ring1_sched_params& params) const;
};

struct SchedState {
  std::string policy;
  ring1_sched_params params;
};

// The text of debugfs; nothing if it is not that of a scheduler's parameters.
std::optional<SchedState> parse_sched(const std::string& text);
std::string sched_text(const ring1_sched_params& params);

// What the module accepts.
inline constexpr char kSchedRanges[] =
    "weight 1 to 65535, cap up to 100 %, slice 0 or 0.01 ms up to the period, period 0.1 to 4000 ms, latency "
    "0 or 0.1 ms up "
    "to the period, warp and its limits up to 10000 ms";

// What matters to the policy, in a few words: "weight 256, cap 50 %".
std::string describe_sched(const SchedState& state);

}  // namespace ring1::vmm
