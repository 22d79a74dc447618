// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/kvm/vcpu.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <cstring>

#include "vmm/boot/memory_map.h"
#include "vmm/failure.h"
#include "vmm/firmware/tables.h"
#include "vmm/kvm/variable_request.h"

namespace ring1::vmm {

namespace {

constexpr uint16_t kTssSelector = 0x20;
// SDM 3A 3.4.5: type, S, DPL, P, limit, AVL, L, D/B, G.
constexpr uint64_t kFlatCode = 0x00cf9b000000ffff;
constexpr uint64_t kFlatData = 0x00cf93000000ffff;
constexpr uint8_t kCodeType = 0xb, kDataType = 0x3, kBusyTssType = 0xb;
constexpr uint32_t kFlatLimit = 0xffffffff;
constexpr uint16_t kTssLimit = 0x67;

constexpr uint64_t kCr0Protection = 1 << 0, kCr0ExtensionType = 1 << 4;
constexpr uint64_t kFlagsReserved = 1 << 1;

constexpr uint32_t kMsrMtrrDefType = 0x2ff;
constexpr uint64_t kMtrrEnabledWriteBack = 1 << 11 | 6;

constexpr unsigned kLint0 = 0x350, kLint1 = 0x360;  // offsets in the local APIC's page
constexpr uint32_t kDeliverExternal = 7 << 8, kDeliverNmi = 4 << 8;

kvm_segment flat_segment(uint16_t selector, uint8_t type) {
  kvm_segment segment{};
  segment.limit = kFlatLimit;
  segment.selector = selector;
  segment.type = type;
  segment.present = 1;
  segment.db = 1;
  segment.s = 1;
  segment.g = 1;
  return segment;
}

}  // namespace

KvmVcpu::KvmVcpu(const KvmSystem& system, const KvmVm& vm, const std::vector<kvm_cpuid_entry2>& cpuid) {
  fd_ = UniqueFd(::ioctl(vm.fd(), KVM_CREATE_VCPU, 0));
  if (!fd_) throw system_failure("KVM_CREATE_VCPU");
  mapping_size_ = system.vcpu_mapping_size();
  void* mapping = ::mmap(nullptr, mapping_size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
  if (mapping == MAP_FAILED) throw system_failure("cannot map the vCPU");
  run_ = static_cast<kvm_run*>(mapping);
  set_cpuid(cpuid);
  set_memory_types();
  set_virtual_wire();
}

KvmVcpu::~KvmVcpu() { ::munmap(run_, mapping_size_); }

void KvmVcpu::set_cpuid(const std::vector<kvm_cpuid_entry2>& cpuid) {
  auto entries = cpuid;
  if (variable_ioctl(fd(), kSetCpuid2, entries) != 0) throw system_failure("KVM_SET_CPUID2");
}

std::vector<kvm_cpuid_entry2> KvmVcpu::cpuid() const {
  constexpr size_t kMost = 1024;
  for (size_t count = 64; count <= kMost; count *= 2) {
    std::vector<kvm_cpuid_entry2> entries(count);
    if (variable_ioctl(fd(), kGetCpuid2, entries) == 0) return entries;
    if (errno != E2BIG) break;
  }
  throw system_failure("KVM_GET_CPUID2");
}

// Firmware leaves all memory write-back. A kernel side without MTRRs may refuse; nothing depends on it.
void KvmVcpu::set_memory_types() {
  std::vector<kvm_msr_entry> msrs(1);
  msrs[0].index = kMsrMtrrDefType;
  msrs[0].data = kMtrrEnabledWriteBack;
  if (variable_ioctl(fd(), kSetMsrs, msrs) < 0) throw system_failure("KVM_SET_MSRS");
}

// MultiProcessor Specification 3.6.2.2: the 8259's output arrives at the local APIC's LINT0.
void KvmVcpu::set_virtual_wire() {
  kvm_lapic_state lapic{};
  if (::ioctl(fd(), KVM_GET_LAPIC, &lapic) != 0) throw system_failure("KVM_GET_LAPIC");
  std::memcpy(lapic.regs + kLint0, &kDeliverExternal, sizeof(kDeliverExternal));
  std::memcpy(lapic.regs + kLint1, &kDeliverNmi, sizeof(kDeliverNmi));
  if (::ioctl(fd(), KVM_SET_LAPIC, &lapic) != 0) throw system_failure("KVM_SET_LAPIC");
}

void KvmVcpu::start_at(const StartState& state, GuestMemory& memory) {
  uint64_t gdt[4] = {};
  gdt[state.selectors.code / sizeof(gdt[0])] = kFlatCode;
  gdt[state.selectors.data / sizeof(gdt[0])] = kFlatData;
  memory.put(kBootGdt, gdt);

  kvm_sregs sregs{};
  if (::ioctl(fd(), KVM_GET_SREGS, &sregs) != 0) throw system_failure("KVM_GET_SREGS");
  sregs.cs = flat_segment(state.selectors.code, kCodeType);
  sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = flat_segment(state.selectors.data, kDataType);
  sregs.tr = kvm_segment{};
  sregs.tr.selector = kTssSelector;
  sregs.tr.limit = kTssLimit;
  sregs.tr.type = kBusyTssType;
  sregs.tr.present = 1;
  sregs.ldt = kvm_segment{};
  sregs.ldt.unusable = 1;
  sregs.gdt.base = kBootGdt.raw();
  sregs.gdt.limit = sizeof(gdt) - 1;
  sregs.idt = {};
  sregs.cr0 = kCr0Protection | kCr0ExtensionType;
  sregs.cr3 = sregs.cr4 = sregs.efer = 0;
  if (::ioctl(fd(), KVM_SET_SREGS, &sregs) != 0) throw system_failure("KVM_SET_SREGS");

  kvm_regs regs{};
  regs.rip = state.eip;
  regs.rax = state.eax;
  regs.rbx = state.ebx;
  regs.rsi = state.esi;
  regs.rflags = kFlagsReserved;
  if (::ioctl(fd(), KVM_SET_REGS, &regs) != 0) throw system_failure("KVM_SET_REGS");
}

uint32_t KvmVcpu::tsc_khz() const {
  const int khz = ::ioctl(fd(), KVM_GET_TSC_KHZ, 0);
  return khz > 0 ? static_cast<uint32_t>(khz) : 0;
}

int KvmVcpu::run() { return ::ioctl(fd(), KVM_RUN, 0) == 0 ? 0 : -errno; }

std::string KvmVcpu::describe() const {
  kvm_regs regs{};
  kvm_sregs sregs{};
  if (::ioctl(fd(), KVM_GET_REGS, &regs) != 0 || ::ioctl(fd(), KVM_GET_SREGS, &sregs) != 0)
    return "registers cannot be read";
  return fmt::format(
      "rip {:08x} flags {:08x} cs {:04x} ss {:04x} ds {:04x} es {:04x} fs {:04x} gs {:04x} tr {:04x}\n"
      "rax {:08x} rbx {:08x} rcx {:08x} rdx {:08x} rsi {:08x} rdi {:08x} rbp {:08x} rsp {:08x}\n"
      "cr0 {:08x} cr2 {:08x} cr3 {:08x} cr4 {:08x} efer {:x} gdt {:08x}/{:x} idt {:08x}/{:x}",
      regs.rip, regs.rflags, sregs.cs.selector, sregs.ss.selector, sregs.ds.selector, sregs.es.selector,
      sregs.fs.selector, sregs.gs.selector, sregs.tr.selector, regs.rax, regs.rbx, regs.rcx, regs.rdx, regs.rsi,
      regs.rdi, regs.rbp, regs.rsp, sregs.cr0, sregs.cr2, sregs.cr3, sregs.cr4, sregs.efer, sregs.gdt.base,
      sregs.gdt.limit, sregs.idt.base, sregs.idt.limit);
}

}  // namespace ring1::vmm
