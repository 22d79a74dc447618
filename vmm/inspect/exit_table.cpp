// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/inspect/exit_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace ring1::vmm {

namespace {

constexpr std::string_view kPrefix = "exits_", kSuffix = "_cycles";

}  // namespace

std::vector<ExitRow> take_exits(Counters& counters) {
  const std::map<std::string, uint64_t> by_name(counters.begin(), counters.end());
  std::vector<ExitRow> rows;
  for (const auto& [name, count] : counters) {
    const auto cycles = by_name.find(name + std::string(kSuffix));
    if (name.starts_with(kPrefix) && cycles != by_name.end() && count != 0)
      rows.push_back({name.substr(kPrefix.size()), count, cycles->second});
  }
  std::erase_if(counters, [&](const auto& counter) {
    const std::string& name = counter.first;
    if (!name.starts_with(kPrefix)) return false;
    return by_name.contains(name + std::string(kSuffix)) ||
           (name.ends_with(kSuffix) && by_name.contains(name.substr(0, name.size() - kSuffix.size())));
  });
  std::stable_sort(rows.begin(), rows.end(), [](const ExitRow& a, const ExitRow& b) {
    return std::pair(a.cycles, a.count) > std::pair(b.cycles, b.count);
  });
  return rows;
}

std::string exit_table(const std::vector<ExitRow>& rows) {
  if (rows.empty()) return "";
  double all = 0;
  for (const ExitRow& row : rows) all += static_cast<double>(row.cycles);
  std::string table =
      fmt::format("  {:<20} {:>12} {:>18} {:>12} {:>7}\n", "exits", "count", "TSC cycles", "for one", "share");
  for (const ExitRow& row : rows)
    table += fmt::format("  {:<20} {:>12} {:>18} {:>12} {:>6.1f}%\n", row.name, row.count, row.cycles,
                         row.cycles / row.count, all > 0 ? 100 * static_cast<double>(row.cycles) / all : 0);
  return table;
}

}  // namespace ring1::vmm
