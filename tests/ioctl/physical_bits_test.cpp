// SPDX-License-Identifier: GPL-2.0-only
// Reserved bits begin where the vCPU's own CPUID says that physical addresses end (SDM 3A 4.1.4, 11.11.2.3): firmware takes the
// width from there for its MTRR masks.
#include "check.h"
#include "machine.h"

using namespace ring1::ioctl_test;

namespace {

constexpr uint32_t kMtrrMask0 = 0x201, kApicBase = 0x1b, kAddressSizes = 0x80000008;
constexpr unsigned kUnsaid = 36;

// 0: no such leaf.
void set_width(const Vm& vm, const Vcpu& vcpu, unsigned bits) {
  CpuidList list;
  list.head().nent = 256;
  CHECK_EQ(vm.device.call(kGetSupportedCpuid, list.address()), 0);
  kvm_cpuid_entry2* const entries = list.entries();
  for (uint32_t i = 0; i < list.head().nent; i++) {
    if (entries[i].function != kAddressSizes) continue;
    entries[i].eax = (entries[i].eax & ~0xffu) | bits;
    if (!bits) entries[i] = entries[--list.head().nent];
  }
  CHECK_EQ(vcpu.call(kSetCpuid2, list.address()), 0);
}

long set_msr(const Vcpu& vcpu, uint32_t index, uint64_t value) {
  List<kvm_msrs, kvm_msr_entry, 8> msrs;
  msrs.head().nmsrs = 1;
  msrs.entries()[0].index = index;
  msrs.entries()[0].data = value;
  return vcpu.call(kSetMsrs, msrs.address());
}

// Does the guest's own WRMSR of IA32_MTRR_PHYSMASK0 end without #GP?
bool guest_may_write(unsigned said, uint64_t value) {
  RealMode machine({0x66, 0xb9, 0x01, 0x02, 0x00, 0x00,  // mov ecx, 0x201
                    0x0f, 0x30,                          // wrmsr
                    0xe6, 0x10, 0xf4});                  // out 0x10, al; hlt
  machine.place(0x1100, {0xe6, 0x11, 0xf4});             // #GP: out 0x11, al; hlt
  machine.vector(13, 0x1100);
  set_width(machine.vm, machine.vcpu, said);
  kvm_regs regs = machine.vcpu.regs();
  regs.rax = static_cast<uint32_t>(value);
  regs.rdx = value >> 32;
  CHECK_EQ(machine.vcpu.call(KVM_SET_REGS, &regs), 0);
  CHECK_EQ(machine.vcpu.run(), 0);
  CHECK_EQ(machine.vcpu.shared->exit_reason, KVM_EXIT_IO);
  return machine.vcpu.shared->io.port == 0x10;
}

struct Width {
  unsigned said, meant;
};
constexpr Width kWidths[] = {{36, 36}, {40, 40}, {48, 48}, {0, kUnsaid}};

}  // namespace

TEST(physical_bits_in_msrs) {
  for (const Width& width : kWidths) {
    Vm vm;
    Vcpu vcpu(vm);
    set_width(vm, vcpu, width.said);
    const uint64_t end = uint64_t{1} << width.meant;
    CHECK_EQ(set_msr(vcpu, kMtrrMask0, (end - 1) & ~uint64_t{0x7ff}), 1);
    CHECK_EQ(set_msr(vcpu, kMtrrMask0, end | 0x800), 0);
    if (!vm.device.is_ring1()) continue;  // KVM lets the APIC be anywhere
    CHECK_EQ(set_msr(vcpu, kApicBase, (end - 0x1000) | 0x900), 1);
    CHECK_EQ(set_msr(vcpu, kApicBase, end | 0x900), 0);
  }
}

TEST(physical_bits_in_wrmsr) {
  SKIP_UNLESS(options.guest, "no guest code wanted");
  for (const Width& width : kWidths) {
    const uint64_t end = uint64_t{1} << width.meant;
    CHECK(guest_may_write(width.said, (end - 1) & ~uint64_t{0x7ff}));
    CHECK(!guest_may_write(width.said, end | 0x800));
  }
}
