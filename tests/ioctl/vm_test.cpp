// SPDX-License-Identifier: GPL-2.0-only
// A VM's descriptor: vCPUs, and addresses that other engines want.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "machine.h"

using namespace ring1::ioctl_test;

TEST(vm_check_extension) {
  Vm vm;
  CHECK(vm.call(KVM_CHECK_EXTENSION, static_cast<unsigned long>(KVM_CAP_USER_MEMORY)) > 0);
  CHECK_EQ(vm.call(KVM_CHECK_EXTENSION, 100000ul), 0);
  CHECK_EQ(vm.call(_IO(KVMIO, 0xfe)), -ENOTTY);
}

TEST(vm_create_vcpu) {
  Vm vm;
  CHECK_EQ(vm.call(KVM_CREATE_VCPU, 1000000ul), -EINVAL);
  CHECK_EQ(vm.call(KVM_CREATE_VCPU, ~0ul), -EINVAL);
  Vcpu vcpu(vm);
  CHECK_EQ(vm.call(KVM_CREATE_VCPU, 0ul), -EEXIST);
  CHECK_EQ(vcpu.call(_IO(KVMIO, 0xfe)), vm.device.is_ring1() ? -ENOTTY : -EINVAL);
  const unsigned long limit =
      static_cast<unsigned long>(vm.call(KVM_CHECK_EXTENSION, static_cast<unsigned long>(KVM_CAP_MAX_VCPU_ID)));
  CHECK_EQ(vm.call(KVM_CREATE_VCPU, limit), -EINVAL);
}

TEST(vm_vcpu_mmap) {
  Vm vm;
  Vcpu vcpu(vm);
  CHECK(vcpu.shared != nullptr);
  const size_t size = static_cast<size_t>(vm.device.call(KVM_GET_VCPU_MMAP_SIZE));
  vcpu.shared->request_interrupt_window = 0;
  uint8_t* pio = reinterpret_cast<uint8_t*>(vcpu.shared) + KVM_PIO_PAGE_OFFSET * 4096;
  pio[0] = 1;
  pio[4095] = 2;
  auto* beyond = static_cast<uint8_t*>(mmap(nullptr, 64 * 4096 + size, PROT_READ, MAP_SHARED, vcpu.get(), 0));
  CHECK(beyond != MAP_FAILED);
  const pid_t child = fork();
  if (child == 0) _exit(*static_cast<volatile uint8_t*>(beyond + 64 * 4096) ? 1 : 0);
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
  munmap(beyond, 64 * 4096 + size);
}

TEST(vm_tss_and_identity_map) {
  Vm vm;
  uint64_t address = 0xfffbc000;
  CHECK_EQ(vm.call(KVM_SET_IDENTITY_MAP_ADDR, &address), 0);
  CHECK_EQ(vm.call(KVM_SET_IDENTITY_MAP_ADDR, 8ul), -EFAULT);
  CHECK_EQ(vm.call(KVM_SET_TSS_ADDR, 0xfffbd000ul), 0);
  CHECK_EQ(vm.call(KVM_SET_TSS_ADDR, 0xfffffffful), -EINVAL);
  Vcpu vcpu(vm);
  CHECK_EQ(vm.call(KVM_SET_IDENTITY_MAP_ADDR, &address), -EINVAL);
}

// An engine may need a page of the guest's physical space for code without paging; elsewhere memory is memory.
TEST(vm_identity_map_lies_where_it_is_wanted) {
  SKIP_UNLESS(options.guest, "no guest code wanted");
  constexpr uint32_t kDefault = 0xfffbc000, kElsewhere = 0xfeffc000, kValue = 0x12345678;
  // mov eax, [kDefault]; inc dword [kDefault]; hlt
  RealMode machine({0xa1, 0x00, 0xc0, 0xfb, 0xff, 0xff, 0x05, 0x00, 0xc0, 0xfb, 0xff, 0xf4}, RealMode::kNone,
                   kElsewhere);
  Memory page(4096);
  auto* word = reinterpret_cast<volatile uint32_t*>(page.data());
  *word = kValue;
  CHECK_EQ(machine.vm.set_region(1, kDefault, page, page.size()), 0);
  machine.enter_protected_mode();
  CHECK_EQ(machine.vcpu.run(), 0);
  CHECK_EQ(machine.vcpu.shared->exit_reason, KVM_EXIT_HLT);
  CHECK_EQ(machine.vcpu.regs().rax, kValue);
  CHECK_EQ(*word, kValue + 1);
}

TEST(vm_belongs_to_its_process) {
  Vm vm;
  Vcpu vcpu(vm);
  const pid_t child = fork();
  if (child == 0) {
    kvm_regs regs;
    const bool ok = vcpu.call(KVM_GET_REGS, &regs) == -EIO &&
                    vm.call(KVM_CHECK_EXTENSION, static_cast<unsigned long>(KVM_CAP_USER_MEMORY)) == -EIO;
    _exit(ok ? 0 : 1);
  }
  int status = 1;
  waitpid(child, &status, 0);
  CHECK_EQ(status, 0);
}
