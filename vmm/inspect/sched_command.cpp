// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "vmm/failure.h"
#include "vmm/file.h"
#include "vmm/inspect/commands.h"
#include "vmm/inspect/sched_state.h"
#include "vmm/unique_fd.h"

namespace ring1::vmm {

std::optional<SchedState> read_sched(const RunningGuest& guest) {
  const auto text = read_text(guest.directory + "/sched");
  return text ? parse_sched(*text) : std::nullopt;
}

void write_sched(const RunningGuest& guest, const ring1_sched_params& params) {
  const std::string path = guest.directory + "/sched", text = sched_text(params);
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (fd.get() < 0) throw system_failure(path);
  if (::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size())) return;
  if (errno == EINVAL) throw usage_failure("the scheduler knows no such parameters: " + std::string(kSchedRanges));
  if (errno == EBUSY)
    throw Failure(kExitEnvironment, "the slices of all guests would not fit into the processors' time");
  throw system_failure(path);
}

namespace {

void print(const RunningGuest& guest, const SchedState& state) {
  fmt::print("{:>8} {:>4} {:<8} {}\n", guest.pid, guest.fd, state.policy, describe_sched(state));
}

}  // namespace

int sched_command(const SchedOptions& options) {
  bool found = false;
  if (!options.change.any()) fmt::print("{:>8} {:>4} {:<8} {}\n", "PID", "FD", "POLICY", "PARAMETERS");
  for (const RunningGuest& guest : running_guests()) {
    if (options.pid && guest.pid != *options.pid) continue;
    auto state = read_sched(guest);
    if (!state) continue;
    found = true;
    if (options.change.any()) {
      options.change.apply(state->params);
      write_sched(guest, state->params);
    } else {
      print(guest, *state);
    }
  }
  if (options.pid && !found)
    throw Failure(kExitEnvironment, fmt::format("process {} runs no guest under ring1's scheduler", *options.pid));
  return kExitSuccess;
}

}  // namespace ring1::vmm
