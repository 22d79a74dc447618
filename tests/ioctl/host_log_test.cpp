// SPDX-License-Identifier: GPL-2.0-only
// What any user can repeat at will: the host's log stays short. tests/system/host_state.sh counts its lines.
#include <memory>

#include "check.h"
#include "include/ring1/api.h"
#include "machine.h"

using namespace ring1::ioctl_test;

namespace {
constexpr int kTimes = 100;
}  // namespace

TEST(host_log_of_refused_engines) {
  Device device;
  for (int i = 0; i < kTimes; i++)
    for (unsigned long engine : {1ul, 2ul}) {
      Fd vm(static_cast<int>(device.call(KVM_CREATE_VM, RING1_VM_TYPE(engine))));
    }
}

// Each VM has the number of the one before, whose vCPU is still there.
TEST(host_log_of_vcpus_that_outlive_their_vm) {
  std::unique_ptr<Vcpu> vcpus[10];
  int first = -1;
  for (auto& vcpu : vcpus) {
    Vm vm;
    if (first < 0) first = vm.get();
    CHECK_EQ(vm.get(), first);
    vcpu = std::make_unique<Vcpu>(vm);
  }
}
