// SPDX-License-Identifier: GPL-2.0-only
// Ioctls of the device itself.
#include <cstring>

#include "check.h"
#include "machine.h"

using namespace ring1::ioctl_test;

TEST(system_version) {
  Device device;
  CHECK_EQ(device.call(KVM_GET_API_VERSION), 12);
  CHECK_EQ(device.call(KVM_GET_API_VERSION, 1ul), -EINVAL);
  CHECK_EQ(device.call(KVM_GET_VCPU_MMAP_SIZE, 1ul), -EINVAL);
  CHECK(device.call(KVM_GET_VCPU_MMAP_SIZE) >= 2 * 4096);
  CHECK(device.call(_IO(KVMIO, 0xfe)) < 0);
}

TEST(system_unknown_ioctl) {
  Device device;
  SKIP_UNLESS(device.is_ring1(), "KVM answers -EINVAL to unknown numbers");
  CHECK_EQ(device.call(_IO(KVMIO, 0xfe)), -ENOTTY);
  CHECK_EQ(device.call(0x12345678ul), -ENOTTY);
}

TEST(system_extensions) {
  Device device;
  const unsigned long needed[] = {KVM_CAP_USER_MEMORY,
                                  KVM_CAP_DESTROY_MEMORY_REGION_WORKS,
                                  KVM_CAP_JOIN_MEMORY_REGIONS_WORKS,
                                  KVM_CAP_SET_TSS_ADDR,
                                  KVM_CAP_EXT_CPUID,
                                  KVM_CAP_MP_STATE,
                                  KVM_CAP_IRQ_ROUTING,
                                  KVM_CAP_IRQCHIP,
                                  KVM_CAP_PIT2,
                                  KVM_CAP_PIT_STATE2,
                                  KVM_CAP_READONLY_MEM,
                                  KVM_CAP_IMMEDIATE_EXIT,
                                  KVM_CAP_VCPU_EVENTS,
                                  KVM_CAP_DEBUGREGS,
                                  KVM_CAP_USER_NMI,
                                  KVM_CAP_NR_MEMSLOTS,
                                  KVM_CAP_MAX_VCPUS,
                                  KVM_CAP_IRQ_INJECT_STATUS,
                                  KVM_CAP_BINARY_STATS_FD};
  for (unsigned long capability : needed) {
    if (device.call(KVM_CHECK_EXTENSION, capability) <= 0) CHECK_EQ(capability, ~0ul);
  }
  CHECK_EQ(device.call(KVM_CHECK_EXTENSION, 100000ul), 0);
  CHECK_EQ(device.call(KVM_CHECK_EXTENSION, ~0ul), 0);
}

TEST(system_create_vm) {
  Device device;
  CHECK_EQ(device.call(KVM_CREATE_VM, 0x1234ul), -EINVAL);
  Fd vm(static_cast<int>(device.call(KVM_CREATE_VM)));
  CHECK(vm.get() >= 0);
}

TEST(system_supported_cpuid) {
  Device device;
  CpuidList list;
  CHECK_EQ(device.call(kGetSupportedCpuid, list.address()), -E2BIG);
  list.head().nent = 256;
  CHECK_EQ(device.call(kGetSupportedCpuid, list.address()), 0);
  CHECK(list.head().nent >= 4 && list.head().nent < 256);
  bool features = false;
  for (unsigned i = 0; i < list.head().nent; i++) {
    const kvm_cpuid_entry2& entry = list.entries()[i];
    if (entry.function == 1) {
      features = true;
      CHECK((entry.edx & 0x11) == 0x11);  // FPU, TSC
      CHECK(entry.edx & (1u << 6));       // PAE
    }
    CHECK(entry.padding[0] == 0 && entry.padding[1] == 0 && entry.padding[2] == 0);
  }
  CHECK(features);
  list.head().nent = 1;
  CHECK_EQ(device.call(kGetSupportedCpuid, list.address()), -E2BIG);
  CHECK_EQ(device.call(kGetSupportedCpuid, 8ul), -EFAULT);
}

TEST(system_cpuid_offers_no_long_mode) {
  Device device;
  SKIP_UNLESS(device.is_ring1(), "about ring1's own choice");
  SKIP_UNLESS(!device.has_long_mode(), "the engine can run 64-bit guests");
  CpuidList list;
  list.head().nent = 256;
  CHECK_EQ(device.call(kGetSupportedCpuid, list.address()), 0);
  for (unsigned i = 0; i < list.head().nent; i++) {
    const kvm_cpuid_entry2& entry = list.entries()[i];
    if (entry.function == 1) {
      CHECK_EQ(entry.ecx & (1u << 3 | 1u << 5 | 1u << 17 | 1u << 21 | 1u << 24 | 1u << 26 | 1u << 27 | 1u << 28), 0);
      CHECK_EQ(entry.edx & (1u << 1 | 1u << 17), 0);  // VME, PSE36
    }
    if (entry.function == 0x80000001) CHECK_EQ(entry.edx & (1u << 29 | 1u << 11 | 1u << 27), 0);
    if (entry.function == 0x80000008) CHECK_EQ(entry.eax & 0xff, 36);
  }
}

TEST(system_msr_index_list) {
  Device device;
  List<kvm_msr_list, uint32_t, 600> list;
  CHECK_EQ(device.call(kGetMsrIndexList, list.address()), -E2BIG);
  const uint32_t count = list.head().nmsrs;
  CHECK(count > 5 && count < 600);
  list.head().nmsrs = 600;
  CHECK_EQ(device.call(kGetMsrIndexList, list.address()), 0);
  CHECK_EQ(list.head().nmsrs, count);
  bool tsc = false;
  for (unsigned i = 0; i < count; i++) tsc |= list.entries()[i] == 0x10;
  CHECK(tsc);
  CHECK_EQ(device.call(kGetMsrIndexList, 8ul), -EFAULT);
}
