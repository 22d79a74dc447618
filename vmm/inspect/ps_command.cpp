// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/format.h>

#include <sstream>

#include "base/address.h"
#include "vmm/failure.h"
#include "vmm/file.h"
#include "vmm/inspect/commands.h"
#include "vmm/inspect/debugfs.h"
#include "vmm/inspect/sched_state.h"
#include "vmm/json.h"

namespace ring1::vmm {

namespace {

struct Row {
  RunningGuest guest;
  uint64_t memory_kib;   // of the guest, in the host's memory now
  uint64_t monitor_kib;  // of the monitor: its tables and translation cache
  std::string state;
  uint64_t exits;
  std::optional<SchedState> sched;
};

// A line "Key:   value" of /proc/PID/status.
std::string status_field(int pid, const std::string& key) {
  const auto text = read_text(fmt::format("/proc/{}/status", pid));
  std::istringstream lines(text.value_or(""));
  for (std::string line; std::getline(lines, line);)
    if (line.rfind(key + ":", 0) == 0) return line.substr(line.find_first_not_of(" \t", key.size() + 1));
  return "";
}

Row describe(const RunningGuest& guest) {
  const GuestCounters counters = read_counters(guest);
  Row row{guest, 0, 0, status_field(guest.pid, "State"), 0, read_sched(guest)};
  const size_t name = row.state.find('(');  // "S (sleeping)"
  if (name != std::string::npos) row.state = row.state.substr(name + 1, row.state.size() - name - 2);
  if (const auto pages = counters.find("pages_pinned"))
    row.memory_kib = *pages * (kPageSize >> 10);
  else
    row.memory_kib = std::strtoull(status_field(guest.pid, "VmRSS").c_str(), nullptr, 10);
  row.monitor_kib = counters.find("pages_granted").value_or(0) * (kPageSize >> 10);
  row.exits = counters.find("user_exits").value_or(counters.find("exits").value_or(0));
  return row;
}

}  // namespace

int ps_command(const PsOptions& options) {
  JsonObject all;
  if (!options.json) {
    fmt::print("{:>8} {:>4} {:<6} {:>12} {:>10} {:<12} {:>16}  {}\n", "PID", "FD", "ENGINE", "MEMORY", "MONITOR",
               "STATE", "EXITS", "SCHEDULER");
  }
  for (const RunningGuest& guest : running_guests()) {
    const Row row = describe(guest);
    if (options.json) {
      JsonObject object;
      object.number("pid", static_cast<uint64_t>(guest.pid)).number("fd", static_cast<uint64_t>(guest.fd)).string("engine", guest.engine);
      object.number("memory_kib", row.memory_kib)
          .number("monitor_kib", row.monitor_kib)
          .string("state", row.state)
          .number("exits", row.exits);
      if (row.sched) object.string("scheduler", row.sched->policy).string("share", describe_sched(*row.sched));
      all.object(fmt::format("{}-{}", guest.pid, guest.fd), object);
    } else {
      fmt::print("{:>8} {:>4} {:<6} {:>8} KiB {:>6} KiB {:<12} {:>16}  {}\n", guest.pid, guest.fd, guest.engine,
                 row.memory_kib, row.monitor_kib, row.state, row.exits,
                 row.sched ? row.sched->policy + ": " + describe_sched(*row.sched) : "");
    }
  }
  if (options.json) fmt::print("{}\n", all.text());
  return kExitSuccess;
}

}  // namespace ring1::vmm
