// SPDX-License-Identifier: GPL-2.0-only
// What a VM asks of the scheduler.
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"
#include "include/ring1/api.h"
#include "machine.h"

using namespace ring1::ioctl_test;

namespace {

constexpr uint64_t kMs = 1'000'000;

ring1_vm_sched asked(const Vm& vm) {
  ring1_vm_sched settings{};
  CHECK_EQ(vm.call(RING1_GET_SCHED, &settings), 0);
  return settings;
}

// GET tells the policy, which SET does not take.
long ask(const Vm& vm, ring1_vm_sched settings) {
  settings.policy = 0;
  return vm.call(RING1_SET_SCHED, &settings);
}

// Takes a capability out of the effective set for a while.
class Without {
 public:
  explicit Without(int capability) {
    syscall(SYS_capget, &header_, before_);
    __user_cap_data_struct less[2] = {before_[0], before_[1]};
    less[CAP_TO_INDEX(capability)].effective &= ~CAP_TO_MASK(capability);
    CHECK_EQ(syscall(SYS_capset, &header_, less), 0);
  }
  ~Without() { CHECK_EQ(syscall(SYS_capset, &header_, before_), 0); }

 private:
  __user_cap_header_struct header_ = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct before_[2] = {};
};

}  // namespace

TEST(sched_get_and_set) {
  Vm vm;
  if (!vm.device.is_ring1()) return;
  ring1_vm_sched settings = asked(vm);
  CHECK(settings.policy < RING1_SCHED_POLICIES);
  CHECK_EQ(settings.params.weight, 256u);
  settings.params.weight = 1000;
  settings.params.cap = 50;
  CHECK_EQ(ask(vm, settings), 0);
  CHECK_EQ(asked(vm).params.weight, 1000u);
  CHECK_EQ(asked(vm).params.cap, 50u);
  Vcpu vcpu(vm);
  settings.params.weight = 1;
  CHECK_EQ(ask(vm, settings), 0);
  CHECK_EQ(asked(vm).params.weight, 1u);
}

TEST(sched_refuses) {
  Vm vm;
  if (!vm.device.is_ring1()) return;
  const ring1_vm_sched good = asked(vm);
  const auto refused = [&](auto change) {
    ring1_vm_sched settings = good;
    change(settings);
    return ask(vm, settings) == -EINVAL;
  };
  CHECK(refused([](auto& s) { s.reserved = 1; }));
  CHECK(refused([](auto& s) { s.params.weight = 0; }));
  CHECK(refused([](auto& s) { s.params.weight = ~0u; }));
  CHECK(refused([](auto& s) { s.params.cap = 101; }));
  CHECK(refused([](auto& s) { s.params.slice = 2 * s.params.period; }));
  CHECK(refused([](auto& s) { s.params.slice = s.params.period = ~0ull; }));
  CHECK(refused([](auto& s) { s.params.slice = 10 * kMs, s.params.latency = 1; }));
  CHECK(refused([](auto& s) { s.params.extratime = 2; }));
  CHECK(refused([](auto& s) { s.params.warp = ~0ull; }));
  CHECK_EQ(vm.call(RING1_SET_SCHED, 8ul), -EFAULT);
  CHECK_EQ(vm.call(RING1_GET_SCHED, 8ul), -EFAULT);
  CHECK_EQ(asked(vm).params.weight, good.params.weight);
}

// Claims of all VMs together, given back with the VM.
TEST(sched_claims_fit) {
  Vm first;
  if (!first.device.is_ring1()) return;
  ring1_vm_sched settings = asked(first);
  settings.params.period = 100 * kMs;
  settings.params.slice = 100 * kMs;
  CHECK_EQ(ask(first, settings), 0);
  CHECK_EQ(ask(first, settings), 0);  // its own claim does not stand in its way
  for (int round = 0; round < 300; round++) {
    Vm other;
    const long answer = ask(other, settings);
    CHECK(answer == 0 || answer == -EBUSY);
    settings.params.slice = 10 * kMs;
    CHECK_EQ(ask(first, settings), 0);  // less is always allowed
    CHECK_EQ(ask(other, settings), 0);
    settings.params.slice = 100 * kMs;
  }
  settings.params.slice = 0;
  CHECK_EQ(ask(first, settings), 0);
}

// Without the right to more: weight, a guaranteed slice and warping beyond what the VM has or would have anyway.
TEST(sched_beyond_a_fair_share) {
  Vm vm;
  if (!vm.device.is_ring1()) return;
  ring1_vm_sched settings = asked(vm);
  settings.params.period = 100 * kMs;
  settings.params.slice = 10 * kMs;
  settings.params.weight = 512;
  SKIP_UNLESS(ask(vm, settings) == 0, "needs CAP_SYS_NICE at first");
  const Without nice(CAP_SYS_NICE);
  const auto answer = [&](auto change) {
    ring1_vm_sched other = settings;
    change(other);
    return ask(vm, other);
  };
  CHECK_EQ(answer([](auto& s) { s.params.weight = 513; }), -EPERM);
  CHECK_EQ(answer([](auto& s) { s.params.slice = 11 * kMs; }), -EPERM);
  CHECK_EQ(answer([](auto& s) { s.params.period = 50 * kMs; }), -EPERM);
  CHECK_EQ(answer([](auto& s) { s.params.latency = 1 * kMs; }), -EPERM);
  CHECK_EQ(answer([](auto& s) { s.params.warp_enabled = 1; }), -EPERM);
  CHECK_EQ(asked(vm).params.weight, 512u);
  CHECK_EQ(answer([](auto& s) { s.params.slice = 5 * kMs; }), 0);
  CHECK_EQ(answer([](auto& s) { s.params.slice = 0, s.params.weight = 1; }), 0);
  CHECK_EQ(answer([](auto& s) { s.params.slice = 5 * kMs; }), -EPERM);
  CHECK_EQ(answer([](auto& s) { s.params.slice = 0, s.params.weight = 256, s.params.cap = 50; }), 0);
  CHECK_EQ(answer([](auto& s) { s.params.slice = 0, s.params.weight = 257; }), -EPERM);
}
