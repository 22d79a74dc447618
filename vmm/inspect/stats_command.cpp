// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <thread>

#include "vmm/failure.h"
#include "vmm/inspect/commands.h"
#include "vmm/inspect/debugfs.h"
#include "vmm/inspect/exit_table.h"
#include "vmm/json.h"

namespace ring1::vmm {

namespace {

using Snapshot = std::map<std::string, GuestCounters>;  // by PID-FD

std::string label(const RunningGuest& guest) { return fmt::format("{}-{}", guest.pid, guest.fd); }

std::vector<RunningGuest> chosen_guests(const StatsOptions& options) {
  std::vector<RunningGuest> guests = running_guests();
  if (options.pid) {
    std::erase_if(guests, [&](const RunningGuest& guest) { return guest.pid != *options.pid; });
    if (guests.empty()) throw Failure(kExitEnvironment, fmt::format("process {} runs no guest", *options.pid));
  }
  return guests;
}

void print_json(const std::vector<RunningGuest>& guests) {
  JsonObject all;
  for (const RunningGuest& guest : guests) {
    JsonObject counters;
    for (const auto& [name, value] : read_counters(guest).values) counters.number(name, value);
    all.object(label(guest), counters);
  }
  fmt::print("{}\n", all.text());
}

// The exits first, then the other counters with what changed since `before`, per second.
Snapshot print_table(const std::vector<RunningGuest>& guests, const Snapshot& before, double seconds) {
  Snapshot now;
  for (const RunningGuest& guest : guests) {
    const GuestCounters& counters = now[label(guest)] = read_counters(guest);
    fmt::print("{} {}\n", guest.engine, label(guest));
    const auto old = before.find(label(guest));
    Counters others = counters.values;
    fmt::print("{}", exit_table(take_exits(others)));
    for (const auto& [name, value] : others) {
      fmt::print("  {:<28} {:>20}", name, value);
      const auto last = old != before.end() ? old->second.find(name) : std::nullopt;
      if (last) fmt::print(" {:>16.1f}/s", (static_cast<double>(value) - static_cast<double>(*last)) / seconds);
      fmt::print("\n");
    }
  }
  if (guests.empty()) fmt::print("no guest is running\n");
  std::fflush(stdout);
  return now;
}

}  // namespace

int stats_command(const StatsOptions& options) {
  Snapshot before;
  for (;;) {
    const auto guests = chosen_guests(options);
    if (options.json) {
      print_json(guests);
      std::fflush(stdout);
    } else {
      if (options.watch && ::isatty(STDOUT_FILENO)) fmt::print("\x1b[H\x1b[2J");
      before = print_table(guests, before, options.interval);
    }
    if (!options.watch) return kExitSuccess;
    std::this_thread::sleep_for(std::chrono::duration<double>(options.interval));
  }
}

}  // namespace ring1::vmm
