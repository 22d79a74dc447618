// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "vmm/failure.h"
#include "vmm/inspect/commands.h"
#include "vmm/inspect/debugfs.h"

namespace ring1::vmm {

int log_command(const LogOptions& options) {
  spdlog::logger logger("monitor", std::make_shared<spdlog::sinks::stdout_sink_mt>());
  bool found = false;
  for (const RunningGuest& guest : running_guests()) {
    if (guest.pid != options.pid || guest.engine != "ring1") continue;
    const auto lines = read_log(guest);
    if (!lines) throw system_failure("cannot read " + guest.directory + "/log");
    found = true;
    logger.set_pattern(fmt::format("{}-{}: %v", guest.pid, guest.fd));
    for (const std::string& line : *lines) logger.info("{}", line);
  }
  if (!found) throw Failure(kExitEnvironment, fmt::format("process {} runs no guest of ring1", options.pid));
  return kExitSuccess;
}

}  // namespace ring1::vmm
