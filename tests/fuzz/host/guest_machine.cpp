// SPDX-License-Identifier: GPL-2.0-only
#include "guest_machine.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "tests/flat_segment.h"

namespace ring1::fuzz {
namespace {

uint8_t* map(size_t size) {
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) std::perror("mmap"), _exit(2);
  return static_cast<uint8_t*>(memory);
}

}  // namespace

GuestMachine::GuestMachine(unsigned long machine_type, size_t memory_size)
    : memory(map(memory_size)), size(memory_size), type_(machine_type), device_(open("/dev/ring1", O_RDWR | O_CLOEXEC)) {
  if (device_ < 0) std::perror("/dev/ring1"), _exit(2);
}

bool GuestMachine::create(bool chips, bool log_dirty) {
  destroy();
  vm = ioctl(device_, KVM_CREATE_VM, type_);
  if (vm < 0) return false;
  ioctl(vm, KVM_SET_TSS_ADDR, 0xfffbd000ul);
  if (chips) {
    kvm_pit_config pit = {};
    ioctl(vm, KVM_CREATE_IRQCHIP, 0);
    ioctl(vm, KVM_CREATE_PIT2, &pit);
  }
  kvm_userspace_memory_region slot = {0, static_cast<uint32_t>(log_dirty ? KVM_MEM_LOG_DIRTY_PAGES : 0), 0, size, reinterpret_cast<uint64_t>(memory)};
  ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot);
  vcpu = ioctl(vm, KVM_CREATE_VCPU, 0ul);
  shared_size_ = static_cast<size_t>(ioctl(device_, KVM_GET_VCPU_MMAP_SIZE, 0));
  void* area = vcpu < 0 ? MAP_FAILED : mmap(nullptr, shared_size_, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
  if (area == MAP_FAILED) return destroy(), false;
  shared = static_cast<kvm_run*>(area);
  return true;
}

void GuestMachine::destroy() {
  if (shared) munmap(shared, shared_size_);
  if (vcpu >= 0) close(vcpu);
  if (vm >= 0) close(vm);
  shared = nullptr;
  vcpu = vm = -1;
}

void GuestMachine::start(uint32_t eip, uint32_t esp) {
  kvm_sregs sregs;
  if (ioctl(vcpu, KVM_GET_SREGS, &sregs)) return;
  sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = flat(16, 3);
  sregs.cs = flat(8, 11);
  sregs.cr0 = 0x11;
  sregs.cr4 = sregs.efer = 0;
  ioctl(vcpu, KVM_SET_SREGS, &sregs);
  kvm_regs regs = {};
  regs.rip = eip;
  regs.rsp = esp;
  regs.rflags = 2;
  ioctl(vcpu, KVM_SET_REGS, &regs);
}

long GuestMachine::run() const { return ioctl(vcpu, KVM_RUN, 0) ? -errno : 0; }

}  // namespace ring1::fuzz
