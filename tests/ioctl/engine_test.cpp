// SPDX-License-Identifier: GPL-2.0-only
// Machine types and what the module says of its engines.
#include <cstring>

#include "check.h"
#include "include/ring1/api.h"
#include "machine.h"

using namespace ring1::ioctl_test;

namespace {

ring1_engine_info info_of(const Device& device, uint32_t engine) {
  ring1_engine_info info{};
  info.engine = engine;
  CHECK_EQ(device.call(RING1_GET_ENGINE_INFO, &info), 0);
  return info;
}

}  // namespace

TEST(engine_info) {
  Device device;
  SKIP_UNLESS(device.is_ring1(), "KVM has one engine");
  unsigned defaults = 0;
  for (uint32_t engine = 0; engine < RING1_ENGINES; engine++) {
    const ring1_engine_info info = info_of(device, engine);
    CHECK_EQ(info.engine, engine);
    CHECK(info.status <= 0);
    CHECK_EQ(info.status != 0, info.why[0] != 0);
    CHECK(info.feature_count <= RING1_ENGINE_FEATURES);
    CHECK(!info.is_default || info.status == 0);
    defaults += info.is_default;
  }
  CHECK_EQ(defaults, 1u);
  CHECK_EQ(info_of(device, RING1_ENGINE_BT).status, 0);
  ring1_engine_info wrong{};
  wrong.engine = RING1_ENGINES;
  CHECK_EQ(device.call(RING1_GET_ENGINE_INFO, &wrong), -EINVAL);
  CHECK_EQ(device.call(RING1_GET_ENGINE_INFO, 8ul), -EFAULT);
}

TEST(engine_machine_types) {
  Device device;
  SKIP_UNLESS(device.is_ring1(), "KVM has one engine");
  for (uint32_t engine = 0; engine < RING1_ENGINES; engine++) {
    const int status = info_of(device, engine).status;
    Fd vm(static_cast<int>(device.call(KVM_CREATE_VM, RING1_VM_TYPE(engine))));
    CHECK_EQ(vm.get() >= 0, status == 0);
    if (status != 0) CHECK_EQ(device.call(KVM_CREATE_VM, RING1_VM_TYPE(engine)), status);
  }
  CHECK_EQ(device.call(KVM_CREATE_VM, RING1_VM_TYPE(RING1_ENGINES)), -EINVAL);
  CHECK_EQ(device.call(KVM_CREATE_VM, RING1_VM_TYPE(0xff)), -EINVAL);
  CHECK_EQ(device.call(KVM_CREATE_VM, RING1_VM_TYPE(RING1_ENGINE_BT) | RING1_VM_SHADOW_PAGING), -EINVAL);
  CHECK_EQ(device.call(KVM_CREATE_VM, RING1_VM_TYPE(RING1_ENGINE_BT) | 0x400ul), -EINVAL);
  CHECK_EQ(device.call(KVM_CREATE_VM, RING1_VM_TYPE(RING1_ENGINE_BT) | 1ul << 40), -EINVAL);
}

// More than there are address-space identifiers, and all of them given back: the module can be unloaded afterwards.
TEST(engine_many_machines) {
  Device device;
  SKIP_UNLESS(device.is_ring1(), "KVM has one engine");
  for (unsigned round = 0; round < 2; round++) {
    constexpr unsigned kMachines = 40;
    Fd vms[kMachines], vcpus[kMachines];
    for (unsigned i = 0; i < kMachines; i++) {
      vms[i].adopt(device.call(KVM_CREATE_VM));
      CHECK(vms[i].get() >= 0);
      vcpus[i].adopt(vms[i].call(KVM_CREATE_VCPU));
      CHECK(vcpus[i].get() >= 0);
    }
  }
}
