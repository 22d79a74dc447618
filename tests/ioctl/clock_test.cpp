// SPDX-License-Identifier: GPL-2.0-only
// KVM_GET_CLOCK and KVM_SET_CLOCK, and virtual time that stands while the VM does not run.
#include <time.h>

#include "check.h"
#include "include/ring1/api.h"
#include "machine.h"

using namespace ring1::ioctl_test;

namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint32_t kTsc = 0x10;

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

void set_tsc(const Fd& vcpu, uint64_t value) {
  List<kvm_msrs, kvm_msr_entry, 1> list;
  list.head().nmsrs = 1;
  list.entries()->index = kTsc;
  list.entries()->data = value;
  CHECK_EQ(vcpu.call(kSetMsrs, list.address()), 1);
}

void sleep_ms(long ms) {
  const timespec time = {0, ms * 1'000'000};
  nanosleep(&time, nullptr);
}

}  // namespace

TEST(clock_get_and_set) {
  Vm vm;
  Vcpu vcpu(vm);
  SKIP_UNLESS(vm.call(KVM_CHECK_EXTENSION, static_cast<unsigned long>(KVM_CAP_ADJUST_CLOCK)) > 0,
              "no KVM_CAP_ADJUST_CLOCK");
  const uint64_t first = clock_of(vm), second = clock_of(vm);
  CHECK(second >= first);
  kvm_clock_data clock{};
  clock.clock = 1000 * kSecond;
  CHECK_EQ(vm.call(KVM_SET_CLOCK, &clock), 0);
  const uint64_t after = clock_of(vm);
  CHECK(after >= 1000 * kSecond);
  clock.flags = 1u << 31;
  CHECK_EQ(vm.call(KVM_SET_CLOCK, &clock), -EINVAL);
  CHECK_EQ(vm.call(KVM_GET_CLOCK, 8ul), -EFAULT);
  CHECK_EQ(vm.call(KVM_SET_CLOCK, 8ul), -EFAULT);
}

// Outside KVM_RUN nothing passes, and what is set then is what the guest finds.
TEST(clock_active_time) {
  SKIP_UNLESS(options.guest, "no guest code wanted");
  constexpr uint8_t kHlt = 0xf4;
  options.machine_type = options.machine_type ? options.machine_type | RING1_VM_ACTIVE_TIME
                                              : RING1_VM_TYPE(RING1_VM_DEFAULT_ENGINE) | RING1_VM_ACTIVE_TIME;
  const unsigned long type = options.machine_type;
  struct Restore {
    unsigned long type;
    ~Restore() { options.machine_type = type; }
  } restore{type & ~RING1_VM_ACTIVE_TIME};
  if ((type & RING1_VM_ENGINE_MASK) == RING1_VM_DEFAULT_ENGINE) restore.type = 0;
  SKIP_UNLESS(Device().is_ring1(), "KVM has no such policy");
  RealMode machine({kHlt, 0x0f, 0x31, kHlt});  // hlt; rdtsc; hlt
  CHECK_EQ(machine.vcpu.run(), 0);
  const uint64_t tsc = tsc_of(machine.vcpu), clock = clock_of(machine.vm);
  sleep_ms(30);
  CHECK_EQ(tsc_of(machine.vcpu), tsc);
  CHECK_EQ(clock_of(machine.vm), clock);
  set_tsc(machine.vcpu, 5'000'000'000);
  sleep_ms(30);
  CHECK_EQ(tsc_of(machine.vcpu), 5'000'000'000);
  CHECK_EQ(machine.vcpu.run(), 0);
  const kvm_regs regs = machine.vcpu.regs();
  const uint64_t seen = (regs.rdx & 0xffffffff) << 32 | (regs.rax & 0xffffffff);
  CHECK(seen >= 5'000'000'000);
  CHECK(seen <= tsc_of(machine.vcpu));
}
