// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/run/run_command.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include "vmm/failure.h"
#include "vmm/run/event_loop.h"
#include "vmm/run/machine_state.h"

namespace ring1::vmm {

namespace {

BootInputs read_inputs(const RunOptions& options) {
  BootInputs inputs;
  inputs.kernel_name = options.kernel;
  inputs.kernel = read_input_file("kernel", options.kernel);
  if (options.initrd) inputs.initrd = read_input_file("initrd", *options.initrd);
  inputs.command_line = options.append;
  for (const ModuleOption& module : options.modules) {
    const std::string separator = module.arguments.empty() ? "" : " ";
    inputs.modules.push_back({module.path + separator + module.arguments, read_input_file("module", module.path)});
  }
  return inputs;
}

MachineConfig new_machine(const RunOptions& options) {
  MachineConfig config{
      options.memory,   options.isa_debug_exit, options.engine,       options.active_time.value_or(false),
      options.kvmclock, options.cpu_for,        read_inputs(options), {},
      options.sched};
  detect_named_image(config.boot);
  return config;
}

MachineConfig saved_machine(const RunOptions& options) {
  const auto snapshot = std::make_shared<const Snapshot>(*options.restore);
  const SavedConfig saved = saved_config(*snapshot);
  return {snapshot->memory_size(),
          saved.isa_debug_exit != 0,
          options.engine,
          options.active_time.value_or(saved.active_time != 0),
          true,
          {},
          {},
          snapshot,
          options.sched};
}

// Everything in a died VM that is our fault; else only on demand.
void report_details(const Outcome& outcome) {
  const auto level = outcome.internal ? spdlog::level::err : spdlog::level::debug;
  for (const std::string& line : outcome.monitor_log) spdlog::log(level, "monitor: {}", line);
  if (!outcome.details.empty()) spdlog::log(level, "registers:\n{}", outcome.details);
}

int report(const Outcome& outcome) {
  constexpr int kSignalBase = 128;
  report_details(outcome);
  switch (outcome.kind) {
    case Outcome::Kind::power_off:
    case Outcome::Kind::reset:
    case Outcome::Kind::user_quit:
    case Outcome::Kind::saved: return kExitSuccess;
    case Outcome::Kind::debug_exit: return outcome.code;
    case Outcome::Kind::timed_out: spdlog::error("time-out: the guest was still running"); return kExitTimeout;
    case Outcome::Kind::signal: spdlog::error("ended by signal {}", outcome.code); return kSignalBase + outcome.code;
    case Outcome::Kind::died: spdlog::error("the VM died: {}", outcome.reason); return kExitVmDied;
  }
  return kExitVmDied;
}

}  // namespace

int run_command(const RunOptions& options) {
  constexpr double kNsPerSecond = 1e9;
  // A bad image is the user's mistake whether or not there is a device to run it on.
  const MachineConfig config = options.restore ? saved_machine(options) : new_machine(options);
  const KvmSystem system(options.device);
  std::optional<uint64_t> deadline;
  if (options.timeout) deadline = monotonic_ns() + static_cast<uint64_t>(*options.timeout * kNsPerSecond);

  EndingSignals signals;
  Outcome outcome;
  {
    Console console(STDIN_FILENO, STDOUT_FILENO);
    EventLoop loop(console, signals, deadline);
    do {
      outcome = loop.run(system, config, options.stats_json);
    } while (outcome.kind == Outcome::Kind::reset && options.reboot);
  }
  return report(outcome);
}

}  // namespace ring1::vmm
