// SPDX-License-Identifier: GPL-2.0-only
// Why a guest was left, sorted by the time that took (include/ring1/exits.h).
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace ring1::vmm {

using Counters = std::vector<std::pair<std::string, uint64_t>>;

struct ExitRow {
  std::string name;
  uint64_t count;
  uint64_t cycles;  // of the processor's time-stamp counter
};

// Takes the pairs exits_NAME, exits_NAME_cycles out of the counters. Those that never happened are left out.
std::vector<ExitRow> take_exits(Counters& counters);

// Count, cycles, cycles for one, and the share of all these cycles. Empty without rows.
std::string exit_table(const std::vector<ExitRow>& rows);

}  // namespace ring1::vmm
