// SPDX-License-Identifier: GPL-2.0-only
// A sleep of the host in which its TSC does not count, as the module's parameter sleep_test_ms has it: the VM's clock and
// the guest's TSC count it. The kernel comes back right before it would really sleep (pm_test=core).
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "check.h"
#include "machine.h"

using namespace ring1::ioctl_test;

namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint32_t kTsc = 0x10;
constexpr uint64_t kSlept = 1000;

bool write_file(const char* path, const char* text) {
  const Fd file(open(path, O_WRONLY));
  return file.get() >= 0 && write(file.get(), text, std::strlen(text)) == static_cast<ssize_t>(std::strlen(text));
}

uint64_t clock_of(const Fd& vm) {
  kvm_clock_data clock{};
  CHECK_EQ(vm.call(KVM_GET_CLOCK, &clock), 0);
  return clock.clock;
}

uint64_t tsc_of(const Fd& vcpu) {
  List<kvm_msrs, kvm_msr_entry, 1> list;
  list.head().nmsrs = 1;
  list.entries()->index = kTsc;
  CHECK_EQ(vcpu.call(kGetMsrs, list.address()), 1);
  return list.entries()->data;
}

}  // namespace

TEST(sleep_without_tsc) {
  SKIP_UNLESS(std::getenv("RING1_SLEEP_TEST"), "only when asked for: the whole machine takes part");
  SKIP_UNLESS(write_file("/sys/power/pm_test", "core"), "the kernel cannot pretend to sleep");
  SKIP_UNLESS(write_file("/sys/module/ring1/parameters/sleep_test_ms", "1000000"), "not our module, or not root");
  Vm vm;
  Vcpu vcpu(vm);
  const uint64_t khz = static_cast<uint64_t>(vcpu.call(KVM_GET_TSC_KHZ, 0ul));
  const uint64_t clock = clock_of(vm), tsc = tsc_of(vcpu);
  CHECK(write_file("/sys/power/state", "mem"));
  const uint64_t clock_after = clock_of(vm), tsc_after = tsc_of(vcpu);
  CHECK(clock_after - clock >= kSlept * kSecond);
  CHECK(clock_after - clock < (kSlept + 300) * kSecond);
  CHECK(tsc_after - tsc >= kSlept * 1000 * khz);
  CHECK(tsc_after - tsc < (kSlept + 300) * 1000 * khz);
  // And from then on as ever.
  CHECK(clock_of(vm) >= clock_after);
  CHECK(clock_of(vm) - clock_after < 100 * kSecond);
}
