// SPDX-License-Identifier: GPL-2.0-only
#include "machine.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "check.h"

namespace ring1::ioctl_test {

Options options;

void Fd::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Memory::Memory(size_t size) : size_(size) {
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) std::perror("mmap"), std::exit(1);
  data_ = static_cast<uint8_t*>(memory);
}

Memory::~Memory() { munmap(data_, size_); }

Device::Device() : Fd(open(options.device, O_RDWR | O_CLOEXEC)) {
  if (get() < 0) std::perror(options.device), std::exit(1);
}

bool Device::is_ring1() const {
  CpuidList list;
  list.head().nent = 200;
  if (call(kGetSupportedCpuid, list.address())) return false;
  for (unsigned i = 0; i < list.head().nent; i++)
    if (list.entries()[i].function == 0x40000100) return std::memcmp(&list.entries()[i].ebx, "ring1ring1  ", 12) == 0;
  return false;
}

namespace {

bool offers_long_mode(CpuidList& list) {
  constexpr uint32_t kLongMode = 1u << 29;
  for (unsigned i = 0; i < list.head().nent; i++)
    if (list.entries()[i].function == 0x80000001) return list.entries()[i].edx & kLongMode;
  return false;
}

}  // namespace

bool Device::has_long_mode() const {
  CpuidList list;
  list.head().nent = 200;
  return !call(kGetSupportedCpuid, list.address()) && offers_long_mode(list);
}

// Only ring1's VMs can be asked: KVM's are all alike.
bool Vm::has_long_mode() const {
  CpuidList list;
  list.head().nent = 200;
  return call(kGetSupportedCpuid, list.address()) ? device.has_long_mode() : offers_long_mode(list);
}

Vm::Vm() {
  adopt(device.call(KVM_CREATE_VM, options.machine_type));
  CHECK(get() >= 0);
  call(KVM_SET_TSS_ADDR, 0xfffbd000ul);
}

long Vm::set_region(uint32_t slot, uint64_t gpa, const Memory& memory, uint64_t size, uint32_t flags) const {
  kvm_userspace_memory_region region = {slot, flags, gpa, size, memory.address()};
  return call(KVM_SET_USER_MEMORY_REGION, &region);
}

Vcpu::Vcpu(const Vm& vm, unsigned id) {
  adopt(vm.call(KVM_CREATE_VCPU, static_cast<unsigned long>(id)));
  CHECK(get() >= 0);
  size_ = static_cast<size_t>(vm.device.call(KVM_GET_VCPU_MMAP_SIZE));
  void* memory = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, get(), 0);
  CHECK(memory != MAP_FAILED);
  if (memory != MAP_FAILED) shared = static_cast<kvm_run*>(memory);
}

Vcpu::~Vcpu() {
  if (shared) munmap(shared, size_);
}

kvm_regs Vcpu::regs() const {
  kvm_regs regs;
  CHECK_EQ(call(KVM_GET_REGS, &regs), 0);
  return regs;
}

kvm_sregs Vcpu::sregs() const {
  kvm_sregs sregs;
  CHECK_EQ(call(KVM_GET_SREGS, &sregs), 0);
  return sregs;
}

namespace {

// What must be there before the vCPU.
int create_chips(const Vm& vm, int chips, uint64_t identity_map) {
  if (identity_map) CHECK_EQ(vm.call(KVM_SET_IDENTITY_MAP_ADDR, &identity_map), 0);
  if (chips == RealMode::kIrqchip) {
    kvm_pit_config config = {};
    CHECK_EQ(vm.call(KVM_CREATE_IRQCHIP), 0);
    CHECK_EQ(vm.call(KVM_CREATE_PIT2, &config), 0);
  }
  return chips;
}

}  // namespace

RealMode::RealMode(std::initializer_list<uint8_t> code, Chips chips, uint64_t identity_map)
    : memory(0x10000), chips_(create_chips(vm, chips, identity_map)), vcpu(vm) {
  CHECK_EQ(vm.set_region(0, 0, memory, memory.size()), 0);
  place(kCode, code);
  kvm_sregs sregs = vcpu.sregs();
  sregs.cs.base = sregs.cs.selector = 0;
  CHECK_EQ(vcpu.call(KVM_SET_SREGS, &sregs), 0);
  start_at(kCode);
}

void RealMode::start_at(uint16_t ip, uint64_t flags) {
  kvm_regs regs = {};
  regs.rip = ip;
  regs.rsp = kCode;
  regs.rflags = flags;
  CHECK_EQ(vcpu.call(KVM_SET_REGS, &regs), 0);
}

void RealMode::enter_protected_mode() {
  kvm_sregs sregs = vcpu.sregs();
  const kvm_segment data = {.base = 0,
                            .limit = 0xffffffff,
                            .selector = 0x10,
                            .type = 3,
                            .present = 1,
                            .dpl = 0,
                            .db = 1,
                            .s = 1,
                            .l = 0,
                            .g = 1,
                            .avl = 0,
                            .unusable = 0,
                            .padding = 0};
  sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = sregs.cs = data;
  sregs.cs.selector = 8;
  sregs.cs.type = 11;
  sregs.cr0 |= 1;
  CHECK_EQ(vcpu.call(KVM_SET_SREGS, &sregs), 0);
}

void RealMode::place(uint16_t address, std::initializer_list<uint8_t> bytes) {
  std::memcpy(memory.data() + address, bytes.begin(), bytes.size());
}

void RealMode::vector(uint8_t number, uint16_t handler) {
  place(static_cast<uint16_t>(number * 4), {static_cast<uint8_t>(handler), static_cast<uint8_t>(handler >> 8), 0, 0});
}

}  // namespace ring1::ioctl_test
