// SPDX-License-Identifier: GPL-2.0-only
// `ring1 top`: who asks for how much of the processors, and who gets it.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <thread>

#include "vmm/failure.h"
#include "vmm/inspect/commands.h"
#include "vmm/inspect/sched_state.h"
#include "vmm/sched/shares.h"

namespace ring1::vmm {

namespace {

using Clock = std::chrono::steady_clock;

struct Sample {
  uint64_t run, wait, halted, exits, turns;
};
using Samples = std::map<std::string, Sample>;  // by PID-FD

Sample sample_of(const RunningGuest& guest) {
  const GuestCounters counters = read_counters(guest);
  const auto value = [&](const char* name) { return counters.find(name).value_or(0); };
  return {value("sched_run_ns"), value("sched_wait_ns"), value("tsc_halted"), value("user_exits"),
          value("sched_dispatches")};
}

// What it mostly did since the last look. Of one that is in the middle of something nothing is counted yet.
const char* state_of(const Sample& before, const Sample& now, double ns) {
  const double run = static_cast<double>(now.run - before.run), wait = static_cast<double>(now.wait - before.wait);
  if (run < ns / 100 && wait < ns / 100) return "idle";
  return run >= wait ? "runs" : "waits";
}

Samples show(const Samples& before, double seconds) {
  Samples now;
  std::vector<RunningGuest> guests;
  std::vector<SchedState> states;
  for (const RunningGuest& guest : running_guests()) {
    if (auto state = read_sched(guest)) {
      guests.push_back(guest);
      states.push_back(*state);
    }
  }
  const auto asked = asked_shares(states, static_cast<unsigned>(::sysconf(_SC_NPROCESSORS_ONLN)));
  fmt::print("{:>8} {:>4} {:<6} {:>7} {:>7} {:>7} {:>9} {:>9}  {}\n", "PID", "FD", "STATE", "ASKED", "GOT", "WAIT",
             "TURNS/S", "EXITS/S", states.empty() ? "" : states[0].policy);
  for (size_t i = 0; i < guests.size(); i++) {
    const std::string name = fmt::format("{}-{}", guests[i].pid, guests[i].fd);
    const Sample sample = now[name] = sample_of(guests[i]);
    const auto old = before.find(name);
    const Sample last = old != before.end() ? old->second : sample;
    const double ns = seconds * 1e9;
    fmt::print("{:>8} {:>4} {:<6} {:>6.1f}% {:>6.1f}% {:>6.1f}% {:>9.0f} {:>9.0f}  {}\n", guests[i].pid, guests[i].fd,
               state_of(last, sample, ns), 100 * asked[i], 100 * static_cast<double>(sample.run - last.run) / ns,
               100 * static_cast<double>(sample.wait - last.wait) / ns,
               static_cast<double>(sample.turns - last.turns) / seconds,
               static_cast<double>(sample.exits - last.exits) / seconds, describe_sched(states[i]));
  }
  if (guests.empty()) fmt::print("no guest runs under ring1's scheduler\n");
  std::fflush(stdout);
  return now;
}

}  // namespace

int top_command(const TopOptions& options) {
  const bool terminal = ::isatty(STDOUT_FILENO);
  Samples before;
  for (const RunningGuest& guest : running_guests())
    before[fmt::format("{}-{}", guest.pid, guest.fd)] = sample_of(guest);
  auto last = Clock::now();
  for (unsigned shown = 0; !options.count || shown < *options.count; shown++) {
    std::this_thread::sleep_for(std::chrono::duration<double>(options.interval));
    const auto now = Clock::now();
    if (terminal) fmt::print("\x1b[H\x1b[2J");
    before = show(before, std::chrono::duration<double>(now - last).count());
    last = now;
  }
  return kExitSuccess;
}

}  // namespace ring1::vmm
