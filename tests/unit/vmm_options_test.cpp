// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/options.h"
#include "vmm_images.h"

namespace ring1::vmm::test {
namespace {

std::optional<Options> parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "ring1");
  return parse_options(static_cast<int>(arguments.size()), arguments.data());
}

RunOptions run(const std::vector<const char*>& arguments) { return std::get<RunOptions>(parse(arguments)->command); }

TEST(VmmOptions, RunDefaults) {
  const RunOptions options = run({"run", "--kernel", "k"});
  EXPECT_EQ(options.kernel, "k");
  EXPECT_EQ(options.memory, 128 * kMiB);
  EXPECT_EQ(options.device, "/dev/ring1");
  EXPECT_FALSE(options.initrd);
  EXPECT_FALSE(options.timeout);
  EXPECT_FALSE(options.reboot);
  EXPECT_FALSE(options.isa_debug_exit);
  EXPECT_EQ(options.engine, "");
}

TEST(VmmOptions, EnginesByName) {
  EXPECT_EQ(run({"run", "--kernel", "k", "--engine", "svm"}).engine, "svm");
  EXPECT_EQ(run({"run", "--kernel", "k", "--engine", "svm-shadow"}).engine, "svm-shadow");
  EXPECT_THROW(run({"run", "--kernel", "k", "--engine", "xen"}), Failure);
}

TEST(VmmOptions, PoliciesOfTime) {
  EXPECT_EQ(run({"run", "--kernel", "k"}).active_time, std::nullopt);
  EXPECT_EQ(run({"run", "--kernel", "k", "--time", "active"}).active_time, true);
  EXPECT_EQ(run({"run", "--restore", "f", "--time", "real"}).active_time, false);
  EXPECT_THROW(run({"run", "--kernel", "k", "--time", "none"}), Failure);
}

TEST(VmmOptions, SaveAndRestore) {
  const auto save = std::get<SaveOptions>(parse({"save", "12", "file", "--keep"})->command);
  EXPECT_EQ(save.pid, 12);
  EXPECT_EQ(save.file, "file");
  EXPECT_TRUE(save.keep);
  EXPECT_FALSE(save.verify);
  EXPECT_EQ(run({"run", "--restore", "f", "--engine", "svm"}).restore, "f");
  EXPECT_THROW(run({"run", "--restore", "f", "--kernel", "k"}), Failure);
  EXPECT_THROW(run({"run", "--restore", "f", "--reboot"}), Failure);
  EXPECT_EQ(run({"run", "--kernel", "k", "--cpu-for", "bt,svm"}).cpu_for, (std::vector<std::string>{"bt", "svm"}));
  EXPECT_THROW(run({"run", "--kernel", "k", "--cpu-for", "xen"}), Failure);
  EXPECT_TRUE(run({"run", "--kernel", "k"}).kvmclock);
  EXPECT_FALSE(run({"run", "--kernel", "k", "--no-kvmclock"}).kvmclock);
  EXPECT_THROW(run({"run", "--restore", "file", "--no-kvmclock"}), Failure);
}

TEST(VmmOptions, RunInFull) {
  const RunOptions options =
      run({"run",       "--kernel=k", "--initrd",     "i",        "--append",         "console=ttyS0 -- --x",
           "--mem",     "1G",         "--device",     "/dev/kvm", "--module",         "m1:a b",
           "--module",  "m2",         "--stats-json", "s",        "--isa-debug-exit", "--reboot",
           "--timeout", "1.5"});
  EXPECT_EQ(options.initrd, "i");
  EXPECT_EQ(options.append, "console=ttyS0 -- --x");
  EXPECT_EQ(options.memory, 1024 * kMiB);
  ASSERT_EQ(options.modules.size(), 2u);
  EXPECT_EQ(options.modules[0].path, "m1");
  EXPECT_EQ(options.modules[0].arguments, "a b");
  EXPECT_EQ(options.modules[1].arguments, "");
  EXPECT_EQ(options.timeout, 1.5);
  EXPECT_TRUE(options.isa_debug_exit && options.reboot);
}

TEST(VmmOptions, LastWordCounts) {
  const RunOptions options = run({"run", "--kernel", "a", "--mem", "1G", "--kernel", "b", "--mem", "64M"});
  EXPECT_EQ(options.kernel, "b");
  EXPECT_EQ(options.memory, 64 * kMiB);
}

TEST(VmmOptions, OtherCommands) {
  EXPECT_EQ(std::get<StatsOptions>(parse({"stats", "--json", "17"})->command).pid, 17);
  EXPECT_TRUE(std::get<StatsOptions>(parse({"stats", "--watch"})->command).watch);
  EXPECT_TRUE(std::holds_alternative<PsOptions>(parse({"ps"})->command));
  EXPECT_TRUE(std::holds_alternative<CheckOptions>(parse({"check"})->command));
  EXPECT_EQ(std::get<LogOptions>(parse({"log", "5"})->command).pid, 5);
}

TEST(VmmOptions, Complaints) {
  EXPECT_COMPLAINT("subcommand is required", parse({}));
  EXPECT_COMPLAINT("--kernel is required", parse({"run"}));
  EXPECT_COMPLAINT("--mem", run({"run", "--kernel", "k", "--mem", "4G"}));
  EXPECT_COMPLAINT("--timeout", run({"run", "--kernel", "k", "--timeout", "0"}));
  EXPECT_COMPLAINT("--timeout", run({"run", "--kernel", "k", "--timeout", "soon"}));
  EXPECT_COMPLAINT("--nonsense", run({"run", "--kernel", "k", "--nonsense"}));
  EXPECT_COMPLAINT("extra", run({"run", "--kernel", "k", "extra"}));
  EXPECT_COMPLAINT("PID", parse({"log"}));
  EXPECT_COMPLAINT("--interval", parse({"stats", "--interval", "0"}));
  EXPECT_COMPLAINT("--log-level", parse({"--log-level", "loud", "ps"}));
}

TEST(VmmOptions, MemorySizes) {
  EXPECT_EQ(parse_memory_size("2M"), 2 * kMiB);
  EXPECT_EQ(parse_memory_size("3G"), 3072 * kMiB);
  EXPECT_EQ(parse_memory_size("65536k"), 64 * kMiB);
  EXPECT_EQ(parse_memory_size("134217728"), 128 * kMiB);
  for (const char* bad :
       {"", "M", "12Q", "1MM", "-1M", "1.5G", "3073M", "1M", "99999999999999999999G", "17179869184G", "4194305"})
    EXPECT_COMPLAINT("--mem", parse_memory_size(bad));
}

}  // namespace
}  // namespace ring1::vmm::test
