// SPDX-License-Identifier: GPL-2.0-only
// What this host offers, which engine a guest would run on, and what is missing. The exit status says whether
// a guest can be run now.
#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <set>
#include <sstream>

#include "vmm/failure.h"
#include "vmm/file.h"
#include "vmm/inspect/commands.h"
#include "vmm/kvm/system.h"

namespace ring1::vmm {

namespace {

struct Processor {
  std::string vendor, model;
  unsigned count = 0;
  std::set<std::string> flags;
  bool has(const std::string& flag) const { return flags.count(flag) != 0; }
};

// /proc/cpuinfo: "key<tab>: value" per line, one paragraph per processor.
Processor read_processor() {
  Processor processor;
  std::istringstream lines(read_text("/proc/cpuinfo").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string key = line.substr(0, line.find_first_of("\t:"));
    const std::string value = colon + 2 <= line.size() ? line.substr(colon + 2) : "";
    if (key == "processor") processor.count++;
    if (key == "vendor_id") processor.vendor = value;
    if (key == "model name") processor.model = value;
    if (key != "flags" || !processor.flags.empty()) continue;
    std::istringstream words(value);
    for (std::string word; words >> word;) processor.flags.insert(word);
  }
  return processor;
}

bool is_loaded(const std::string& module) { return ::access(("/sys/module/" + module).c_str(), F_OK) == 0; }

const char* yes_no(bool value) { return value ? "yes" : "no"; }

void print_line(const std::string& what, const std::string& value) { fmt::print("{:<28} {}\n", what, value); }

void print_flag(const Processor& processor, const std::string& what, const std::string& flag) {
  print_line(what, yes_no(processor.has(flag)));
}

// Why a device cannot be used, or nothing.
std::string device_problem(const std::string& path) {
  try {
    const KvmSystem system(path);
    return "";
  } catch (const Failure& failure) { return failure.what(); }
}

void print_processor(const Processor& processor) {
  print_line("processor", fmt::format("{} ({}), {} visible", processor.model, processor.vendor, processor.count));
  print_flag(processor, "64-bit (long mode)", "lm");
  print_flag(processor, "VT-x", "vmx");
  print_flag(processor, "AMD-V", "svm");
  print_flag(processor, "runs under a hypervisor", "hypervisor");
  for (const char* flag : {"pae", "nx", "pge", "smep", "smap", "umip", "pcid", "la57", "pti"})
    print_flag(processor, flag, flag);
}

// Each engine with why it cannot be used, what to do about that, and what it found in the processor.
void print_engines(const KvmSystem& system) {
  for (const EngineName& name : kEngineNames) {
    if (name.type & RING1_VM_SHADOW_PAGING) continue;
    const auto info = system.engine_info(name.engine);
    if (!info) return;
    print_line(fmt::format("engine {}", name.name), info->status == 0
                                                        ? info->is_default ? "usable, the default" : "usable"
                                                        : std::string("no: ") + info->why);
    if (*info->remedy) print_line("", info->remedy);
    for (uint32_t i = 0; i < info->feature_count && i < RING1_ENGINE_FEATURES; i++)
      print_line(fmt::format("  {}", info->features[i].name), info->features[i].value);
  }
}

}  // namespace

int check_command() {
  const Processor processor = read_processor();
  print_processor(processor);
  utsname kernel{};
  ::uname(&kernel);
  print_line("kernel", fmt::format("{} {}", kernel.release, kernel.machine));
  print_line("kvm loaded", yes_no(is_loaded("kvm_intel") || is_loaded("kvm_amd")));
  print_line("ring1 loaded", yes_no(is_loaded("ring1")));

  const std::string ring1_problem = device_problem("/dev/ring1");
  const std::string kvm_problem = device_problem("/dev/kvm");
  print_line("/dev/ring1", ring1_problem.empty() ? "usable" : ring1_problem);
  print_line("/dev/kvm", kvm_problem.empty() ? "usable" : kvm_problem);

  if (ring1_problem.empty()) {
    print_engines(KvmSystem("/dev/ring1"));
    return kExitSuccess;
  }
  print_line("engine", kvm_problem.empty() ? "none of ring1; 'ring1 run --device /dev/kvm' works" : "none");
  if (std::string(kernel.machine) != "x86_64")
    print_line("missing", "a 64-bit kernel: install linux-image-amd64 and reboot");
  else if (!processor.has("lm"))
    print_line("missing", "a 64-bit processor");
  else if (!is_loaded("ring1"))
    print_line("missing", "the module: insmod ring1.ko (as root)");
  else
    print_line("missing", "access to /dev/ring1: run as root");
  return kExitEnvironment;
}

}  // namespace ring1::vmm
