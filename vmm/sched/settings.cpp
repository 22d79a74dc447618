// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/sched/settings.h"

#include <fmt/format.h>

#include <cmath>
#include <sstream>

#include "vmm/failure.h"

namespace ring1::vmm {

namespace {

constexpr double kNsPerMs = 1e6;

// Names as in debugfs.
template <class Params, class Action>
void for_each_field(Params& params, Action action) {
  action("weight", params.weight);
  action("cap", params.cap);
  action("slice", params.slice);
  action("period", params.period);
  action("latency", params.latency);
  action("extratime", params.extratime);
  action("warp_enabled", params.warp_enabled);
  action("warp", params.warp);
  action("warp_limit", params.warp_limit);
  action("warp_pause", params.warp_pause);
}

uint64_t nanoseconds(const char* option, double ms) {
  if (!(ms >= 0 && ms <= 1e6)) throw usage_failure(fmt::format("{}: milliseconds are needed", option));
  return static_cast<uint64_t>(std::llround(ms * kNsPerMs));
}

std::string milliseconds(uint64_t ns) { return fmt::format("{:g} ms", static_cast<double>(ns) / kNsPerMs); }

}  // namespace

bool SchedChange::any() const {
  return weight || cap || slice || period || latency || warp || warp_limit || warp_pause || extratime;
}

void SchedChange::apply(ring1_sched_params& params) const {
  const auto time = [](const char* option, const std::optional<double>& ms, auto& field) {
    if (ms) field = nanoseconds(option, *ms);
  };
  if (weight) params.weight = *weight;
  if (cap) params.cap = *cap;
  if (extratime) params.extratime = *extratime;
  time("slice", slice, params.slice);
  time("period", period, params.period);
  time("latency", latency, params.latency);
  time("warp", warp, params.warp);
  time("warp-limit", warp_limit, params.warp_limit);
  time("warp-pause", warp_pause, params.warp_pause);
  if (warp) params.warp_enabled = *warp > 0;
}

std::optional<SchedState> parse_sched(const std::string& text) {
  SchedState state{};
  std::istringstream lines(text);
  std::string name, value;
  while (lines >> name >> value) {
    if (name == "policy") {
      state.policy = value;
      continue;
    }
    for_each_field(state.params, [&](const char* field, auto& place) {
      if (name == field)
        place = static_cast<std::remove_reference_t<decltype(place)>>(std::strtoull(value.c_str(), nullptr, 10));
    });
  }
  if (state.policy.empty()) return std::nullopt;
  return state;
}

std::string sched_text(const ring1_sched_params& params) {
  std::string text;
  for_each_field(params, [&](const char* field, auto value) { text += fmt::format("{} {}\n", field, value); });
  return text;
}

std::string describe_sched(const SchedState& state) {
  const ring1_sched_params& params = state.params;
  std::string text;
  if (state.policy == "credit") {
    text = fmt::format("weight {}", params.weight);
    if (params.cap) text += fmt::format(", cap {} %", params.cap);
  } else if (state.policy == "bvt") {
    text = fmt::format("weight {}", params.weight);
    if (params.warp_enabled) text += fmt::format(", warp {}", milliseconds(params.warp));
    if (params.warp_enabled && params.warp_limit)
      text += fmt::format(" for {}, pause {}", milliseconds(params.warp_limit), milliseconds(params.warp_pause));
  } else if (state.policy == "sedf") {
    text = params.slice ? fmt::format("{} of {}", milliseconds(params.slice), milliseconds(params.period))
                        : fmt::format("weight {}", params.weight);
    if (params.latency) text += fmt::format(", latency {}", milliseconds(params.latency));
    if (params.extratime)
      text += params.slice ? fmt::format(", extra time by weight {}", params.weight) : ", extra time";
  }
  return text;
}

}  // namespace ring1::vmm
