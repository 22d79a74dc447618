// SPDX-License-Identifier: GPL-2.0-only
// KVM_SET_USER_MEMORY_REGION: what is refused, and with which error.
#include "check.h"
#include "machine.h"

using namespace ring1::ioctl_test;

namespace {

constexpr uint64_t kPage = 4096;

}  // namespace

TEST(memslot_alignment) {
  Vm vm;
  Memory memory(16 * kPage);
  CHECK_EQ(vm.set_region(0, 0, memory, kPage + 1), -EINVAL);
  CHECK_EQ(vm.set_region(0, 1, memory, kPage), -EINVAL);
  kvm_userspace_memory_region region = {0, 0, 0, kPage, memory.address() + 8};
  CHECK_EQ(vm.call(KVM_SET_USER_MEMORY_REGION, &region), -EINVAL);
  CHECK_EQ(vm.call(KVM_SET_USER_MEMORY_REGION, 8ul), -EFAULT);
}

TEST(memslot_limits) {
  Vm vm;
  Memory memory(16 * kPage);
  const auto slots =
      static_cast<uint32_t>(vm.call(KVM_CHECK_EXTENSION, static_cast<unsigned long>(KVM_CAP_NR_MEMSLOTS)));
  CHECK_EQ(vm.set_region(slots, 0, memory, kPage), -EINVAL);
  CHECK_EQ(vm.set_region(0xffffffff, 0, memory, kPage), -EINVAL);
  CHECK_EQ(vm.set_region(0, 0, memory, kPage, 0x80), -EINVAL);
  CHECK_EQ(vm.set_region(0, ~0ull << 12, memory, 2 * kPage), -EINVAL);
  CHECK_EQ(vm.set_region(0, 1ull << 53, memory, kPage), -EINVAL);
  kvm_userspace_memory_region region = {0, 0, 0, 2 * kPage, 0xfffffffffffff000};
  CHECK_EQ(vm.call(KVM_SET_USER_MEMORY_REGION, &region), -EINVAL);
  region.userspace_addr = 0xffff888000000000;
  CHECK_EQ(vm.call(KVM_SET_USER_MEMORY_REGION, &region), -EINVAL);
  CHECK_EQ(vm.set_region(slots - 1, 0, memory, kPage), 0);
}

TEST(memslot_overlap) {
  Vm vm;
  Memory memory(16 * kPage);
  CHECK_EQ(vm.set_region(0, 4 * kPage, memory, 4 * kPage), 0);
  CHECK_EQ(vm.set_region(1, 7 * kPage, memory, kPage), -EEXIST);
  CHECK_EQ(vm.set_region(1, 3 * kPage, memory, 2 * kPage), -EEXIST);
  CHECK_EQ(vm.set_region(1, 0, memory, 16 * kPage), -EEXIST);
  CHECK_EQ(vm.set_region(1, 8 * kPage, memory, kPage), 0);
  CHECK_EQ(vm.set_region(2, 3 * kPage, memory, kPage), 0);
}

TEST(memslot_change) {
  Vm vm;
  Memory memory(16 * kPage), other(16 * kPage);
  CHECK_EQ(vm.set_region(0, 4 * kPage, memory, 4 * kPage), 0);
  CHECK_EQ(vm.set_region(0, 4 * kPage, memory, 4 * kPage), 0);
  CHECK_EQ(vm.set_region(0, 4 * kPage, memory, 5 * kPage), -EINVAL);
  CHECK_EQ(vm.set_region(0, 4 * kPage, other, 4 * kPage), -EINVAL);
  CHECK_EQ(vm.set_region(0, 4 * kPage, memory, 4 * kPage, KVM_MEM_READONLY), -EINVAL);
  CHECK_EQ(vm.set_region(1, 0, memory, kPage), 0);
  CHECK_EQ(vm.set_region(0, 0, memory, 4 * kPage), -EEXIST);
  CHECK_EQ(vm.set_region(0, 5 * kPage, memory, 4 * kPage), 0);
  CHECK_EQ(vm.set_region(2, 4 * kPage, memory, kPage), 0);
}

TEST(memslot_delete) {
  Vm vm;
  Memory memory(16 * kPage);
  CHECK_EQ(vm.set_region(0, 0, memory, 0), -EINVAL);
  CHECK_EQ(vm.set_region(0, 0, memory, kPage), 0);
  CHECK_EQ(vm.set_region(0, 0, memory, 0), 0);
  CHECK_EQ(vm.set_region(0, 0, memory, 0), -EINVAL);
  CHECK_EQ(vm.set_region(1, 0, memory, kPage), 0);
}

TEST(memslot_readonly) {
  Vm vm;
  Memory memory(16 * kPage);
  CHECK_EQ(vm.set_region(0, 0, memory, kPage, KVM_MEM_READONLY), 0);
  CHECK_EQ(vm.set_region(0, 0, memory, kPage), -EINVAL);
  CHECK_EQ(vm.set_region(0, 0, memory, 0), 0);
}

TEST(memslot_sparse_giant) {
  Vm vm;
  // Nobody looks at the memory before the guest does.
  kvm_userspace_memory_region region = {0, 0, 0x4000000, 0xe0000000, 0x10000000};
  CHECK_EQ(vm.call(KVM_SET_USER_MEMORY_REGION, &region), 0);
  region.memory_size = 0;
  CHECK_EQ(vm.call(KVM_SET_USER_MEMORY_REGION, &region), 0);
}

// The monitor's tables of guest memory end at 4 GiB.
TEST(memslot_above_four_gib) {
  Vm vm;
  SKIP_UNLESS(vm.device.is_ring1(), "KVM has no such limit");
  kvm_userspace_memory_region region = {0, 0, 0x100000000, kPage, 0x10000000};
  CHECK_EQ(vm.call(KVM_SET_USER_MEMORY_REGION, &region), -EINVAL);
  region.guest_phys_addr = 0x100000000 - kPage;
  region.memory_size = 2 * kPage;
  CHECK_EQ(vm.call(KVM_SET_USER_MEMORY_REGION, &region), -EINVAL);
  region.memory_size = kPage;
  CHECK_EQ(vm.call(KVM_SET_USER_MEMORY_REGION, &region), 0);
}
