// SPDX-License-Identifier: GPL-2.0-only
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "vmm/control/commands.h"
#include "vmm/failure.h"
#include "vmm/inspect/commands.h"
#include "vmm/options.h"
#include "vmm/run/run_command.h"

namespace {

using namespace ring1::vmm;

// Standard output belongs to the guest's console and to the results of commands.
void set_up_logging(const std::string& level) {
  auto logger = std::make_shared<spdlog::logger>("ring1", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%n: %v");
  logger->set_level(spdlog::level::from_str(level));
  spdlog::set_default_logger(logger);
}

struct Dispatch {
  int operator()(const RunOptions& options) const { return run_command(options); }
  int operator()(const StatsOptions& options) const { return stats_command(options); }
  int operator()(const SchedOptions& options) const { return sched_command(options); }
  int operator()(const TopOptions& options) const { return top_command(options); }
  int operator()(const PsOptions& options) const { return ps_command(options); }
  int operator()(const CheckOptions&) const { return check_command(); }
  int operator()(const LogOptions& options) const { return log_command(options); }
  int operator()(const SaveOptions& options) const { return save_command(options); }
};

}  // namespace

int main(int argc, char** argv) {
  set_up_logging("info");
  try {
    const auto options = parse_options(argc, argv);
    if (!options) return kExitSuccess;
    set_up_logging(options->common.log_level);
    return std::visit(Dispatch{}, options->command);
  } catch (const Failure& failure) {
    spdlog::error("{}", failure.what());
    return failure.status();
  } catch (const std::exception& error) {
    spdlog::error("{}", error.what());
    return kExitEnvironment;
  }
}
