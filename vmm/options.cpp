// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
#include <iostream>

#include "base/address.h"
#include "vmm/boot/memory_map.h"
#include "vmm/failure.h"

namespace ring1::vmm {

namespace {

// As CLI11 leaves them; checked afterwards.
struct RawRun {
  std::string time;
  std::string memory = "128M";
  std::vector<std::string> modules;
};

void add_sched_options(CLI::App& command, SchedChange& change, const std::string& prefix) {
  const auto option = [&](const char* name, auto& value, const char* help) {
    command.add_option("--" + prefix + name, value, help)->group("Share of the processors");
  };
  option("weight", change.weight, "credit, bvt, sedf: share relative to other guests'; usual: 256");
  option("cap", change.cap, "credit: percent of a processor it never exceeds, 0: none");
  option("slice", change.slice, "sedf: guaranteed ms in each period, 0: by weight");
  option("period", change.period, "sedf: ms");
  option("latency", change.latency, "sedf: ms of the first period after a sleep, 0: as the others");
  option("extratime", change.extratime, "sedf: 1: takes what nobody has a claim to, 0: does not");
  option("warp", change.warp, "bvt: runs ahead of its share after waking up, by so many ms; 0: does not");
  option("warp-limit", change.warp_limit, "bvt: for no longer than so many ms, 0: no limit");
  option("warp-pause", change.warp_pause, "bvt: then not again for so many ms");
}

CLI::App* add_run(CLI::App& app, RunOptions& run, RawRun& raw) {
  CLI::App* command = app.add_subcommand("run", "Boot a guest; its serial console is standard input and output");
  command->add_option("--kernel", run.kernel, "bzImage, 32-bit vmlinux, PVH or multiboot-1 image");
  command->add_option("--restore", run.restore, "go on with a machine that 'ring1 save' has saved, on any engine");
  command->add_option("--initrd", run.initrd, "initial RAM disk");
  command->add_option("--append", run.append, "kernel command line");
  command->add_option("--mem", raw.memory, "guest memory, up to 3G")->capture_default_str();
  command->add_option("--device", run.device, "device that speaks the KVM API")->capture_default_str();
  command->add_option("--engine", run.engine, "bt, svm, vmx; svm-shadow, vmx-shadow without nested paging")
      ->check(CLI::IsMember({"bt", "svm", "svm-shadow", "vmx", "vmx-shadow"}));
  command
      ->add_option("--time", raw.time,
                   "real (the usual): the guest's clocks go on while it does not run; active: they stand. "
                   "With --restore the usual is what the machine had")
      ->check(CLI::IsMember({"real", "active"}));
  command->add_flag("!--no-kvmclock", run.kvmclock, "hide KVM's paravirtual clock and steal time from the guest");
  command
      ->add_option("--cpu-for", run.cpu_for,
                   "engines, like bt,svm: show the guest only features that all of them have, "
                   "so that it can be restored on each")
      ->delimiter(',')
      ->check(CLI::IsMember({"bt", "svm", "svm-shadow", "vmx", "vmx-shadow"}))
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--module", raw.modules, "multiboot module, FILE or FILE:ARGUMENTS; may be repeated")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--stats-json", run.stats_json, "write the final statistics to this file");
  command->add_flag("--isa-debug-exit", run.isa_debug_exit, "a write to port 0xf4 ends the run with (value << 1) | 1");
  command->add_flag("--reboot", run.reboot, "a reset restarts the guest instead of ending the run");
  command->add_option("--timeout", run.timeout, "end the run after so many seconds with status 124");
  add_sched_options(*command, run.sched, "sched-");
  return command;
}

CLI::App* add_stats(CLI::App& app, StatsOptions& stats) {
  CLI::App* command = app.add_subcommand("stats", "Show the counters of running guests");
  command->add_flag("--json", stats.json, "one JSON object");
  command->add_flag("--watch", stats.watch, "repeat, with the change per second");
  command->add_option("--interval", stats.interval, "seconds between two looks of --watch")->capture_default_str();
  command->add_option("PID", stats.pid, "only this process' guests");
  return command;
}

CLI::App* add_save(CLI::App& app, SaveOptions& save) {
  CLI::App* command = app.add_subcommand("save", "Save a running guest to a file and end its run");
  command->add_option("PID", save.pid, "process of the guest")->required();
  command->add_option("FILE", save.file, "where to; 'ring1 run --restore FILE' goes on with it")->required();
  command->add_flag("--keep", save.keep, "let the guest go on");
  command->add_flag("--verify", save.verify, "compare the file with the guest's memory");
  return command;
}

CLI::App* add_sched(CLI::App& app, SchedOptions& sched) {
  CLI::App* command = app.add_subcommand("sched", "Show or change the shares of running guests");
  command->add_option("PID", sched.pid, "only this process' guests");
  add_sched_options(*command, sched.change, "");
  return command;
}

CLI::App* add_top(CLI::App& app, TopOptions& top) {
  CLI::App* command = app.add_subcommand("top", "Show, again and again, which share of the processors guests get");
  command->add_option("--interval", top.interval, "seconds between two looks")->capture_default_str();
  command->add_option("--count", top.count, "end after so many");
  return command;
}

// A saved machine brings everything that says what it is.
void check_restore(const RunOptions& run) {
  if (!run.restore && run.kernel.empty()) throw usage_failure("--kernel is required (see 'ring1 --help')");
  if (!run.restore) return;
  if (!run.kernel.empty() || run.initrd || !run.append.empty() || !run.modules.empty() || !run.cpu_for.empty() ||
      run.reboot || !run.kvmclock)
    throw usage_failure(
        "--restore goes with none of --kernel, --initrd, --append, --module, --cpu-for, --no-kvmclock and --reboot");
}

void check_run(RunOptions& run, const RawRun& raw) {
  check_restore(run);
  if (!raw.time.empty()) run.active_time = raw.time == "active";
  run.memory = parse_memory_size(raw.memory);
  for (const std::string& text : raw.modules) run.modules.push_back(parse_module(text));
  if (run.timeout && !(*run.timeout > 0 && std::isfinite(*run.timeout)))
    throw usage_failure("--timeout: a positive number of seconds is needed");
}

void check_sched(const SchedOptions& sched) {
  if (sched.change.any() && !sched.pid) throw usage_failure("sched: whose? A PID is needed (see 'ring1 ps')");
}

void check_top(const TopOptions& top) {
  if (!(top.interval >= 0.1 && top.interval <= 3600)) throw usage_failure("--interval: 0.1 to 3600 seconds");
}

void check_stats(const StatsOptions& stats) {
  if (!(stats.interval >= 0.1 && stats.interval <= 3600)) throw usage_failure("--interval: 0.1 to 3600 seconds");
}

}  // namespace

std::optional<Options> parse_options(int argc, const char* const* argv) {
  CLI::App app("ring1 runs unmodified guest kernels, also on processors without VT-x.", "ring1");
  app.require_subcommand(1);
  app.fallthrough();
  // Wrappers append to a command line: the last word on a matter counts.
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  Options options;
  app.add_option("--log-level", options.common.log_level, "debug, info, warn, error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->capture_default_str();

  RunOptions run;
  RawRun raw;
  StatsOptions stats;
  PsOptions ps;
  LogOptions log;
  SaveOptions save;
  SchedOptions sched;
  TopOptions top;
  const CLI::App* run_command = add_run(app, run, raw);
  const CLI::App* sched_command = add_sched(app, sched);
  const CLI::App* top_command = add_top(app, top);
  const CLI::App* stats_command = add_stats(app, stats);
  CLI::App* ps_command = app.add_subcommand("ps", "List the running guests");
  ps_command->add_flag("--json", ps.json, "one JSON object");
  const CLI::App* check_command = app.add_subcommand("check", "Tell what this processor and kernel offer");
  CLI::App* log_command = app.add_subcommand("log", "Print what the monitor of a process' guests has logged");
  log_command->add_option("PID", log.pid, "process of the guest")->required();

  const CLI::App* save_command = add_save(app, save);

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    app.exit(help, std::cout, std::cerr);
    return std::nullopt;
  } catch (const CLI::ParseError& error) { throw usage_failure(std::string(error.what()) + " (see 'ring1 --help')"); }
  if (*run_command) {
    check_run(run, raw);
    options.command = run;
  } else if (*stats_command) {
    check_stats(stats);
    options.command = stats;
  } else if (*sched_command) {
    check_sched(sched);
    options.command = sched;
  } else if (*top_command) {
    check_top(top);
    options.command = top;
  } else if (*ps_command) {
    options.command = ps;
  } else if (*save_command) {
    options.command = save;
  } else if (*check_command) {
    options.command = CheckOptions{};
  } else {
    options.command = log;
  }
  return options;
}

uint64_t parse_memory_size(std::string_view text) {
  uint64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view suffix(rest, static_cast<size_t>(text.data() + text.size() - rest));
  unsigned shift = 0;
  if (suffix == "K" || suffix == "k")
    shift = 10;
  else if (suffix == "M" || suffix == "m")
    shift = 20;
  else if (suffix == "G" || suffix == "g")
    shift = 30;
  else if (!suffix.empty())
    shift = 64;
  if (error != std::errc() || shift == 64)
    throw usage_failure(fmt::format("--mem {}: a number with K, M or G is needed", text));
  if (number > kLargestMemory >> shift || number << shift < kSmallestMemory)
    throw usage_failure(
        fmt::format("--mem {}: a guest can have {} MiB to {} MiB", text, kSmallestMemory >> 20, kLargestMemory >> 20));
  const uint64_t size = number << shift;
  if (size % kPageSize != 0) throw usage_failure(fmt::format("--mem {}: not a multiple of 4 KiB", text));
  return size;
}

ModuleOption parse_module(const std::string& text) {
  const size_t colon = text.find(':');
  if (colon == std::string::npos || ::access(text.c_str(), F_OK) == 0) return {text, ""};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

}  // namespace ring1::vmm
