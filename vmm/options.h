// SPDX-License-Identifier: GPL-2.0-only
// What the command line says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "vmm/sched/settings.h"

namespace ring1::vmm {

struct ModuleOption {
  std::string path;
  std::string arguments;
};

struct RunOptions {
  std::string kernel;
  std::optional<std::string> restore;  // a saved machine, instead of a kernel
  std::optional<std::string> initrd;
  std::string append;
  uint64_t memory = uint64_t{128} << 20;
  std::string device = "/dev/ring1";
  std::string engine;  // empty: the device's choice
  std::optional<bool> active_time;  // unsaid: real, or as it was saved
  bool kvmclock = true;
  std::vector<std::string> cpu_for;  // engines that the guest shall be able to move to
  std::vector<ModuleOption> modules;
  std::optional<std::string> stats_json;
  bool isa_debug_exit = false;
  bool reboot = false;
  std::optional<double> timeout;  // seconds
  SchedChange sched;
};

struct StatsOptions {
  bool json = false;
  bool watch = false;
  double interval = 1;  // seconds
  std::optional<int> pid;
};

struct PsOptions {
  bool json = false;
};

struct SaveOptions {
  int pid = 0;
  std::string file;
  bool keep = false;
  bool verify = false;
};

struct SchedOptions {
  std::optional<int> pid;
  SchedChange change;  // nothing: show
};

struct TopOptions {
  double interval = 1;            // seconds
  std::optional<unsigned> count;  // of tables, then it ends
};

struct CheckOptions {};

struct LogOptions {
  int pid = 0;
};

// How the tool says something itself, on standard error.
struct CommonOptions {
  std::string log_level = "info";
};

struct Options {
  CommonOptions common;
  std::variant<RunOptions, StatsOptions, PsOptions, CheckOptions, LogOptions, SaveOptions, SchedOptions, TopOptions>
      command;
};

// Nothing: help or the version was asked for and printed. Throws a Failure with one line for bad arguments.
std::optional<Options> parse_options(int argc, const char* const* argv);

// "128M", "1G", "65536K", "268435456"; throws a Failure outside what a guest may have.
uint64_t parse_memory_size(std::string_view text);

// "FILE" or "FILE:arguments"; a file whose name holds the colon wins.
ModuleOption parse_module(const std::string& text);

}  // namespace ring1::vmm
