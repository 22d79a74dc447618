// SPDX-License-Identifier: GPL-2.0-only
// What a guest may set in CR4 when its VMM's CPUID claims every feature there is.
#include "check.h"
#include "machine.h"

using namespace ring1::ioctl_test;

namespace {

constexpr uint32_t kVme = 0, kPvi = 1;
constexpr uint32_t kFirstUnknown = 11;  // UMIP; what lies between is offered

void claim_everything(const Vm& vm, const Vcpu& vcpu) {
  CpuidList list;
  list.head().nent = 256;
  CHECK_EQ(vm.device.call(kGetSupportedCpuid, list.address()), 0);
  kvm_cpuid_entry2* const entries = list.entries();
  uint32_t& count = list.head().nent;
  bool has_leaf_7 = false;
  for (uint32_t i = 0; i < count; i++) {
    if (entries[i].function == 0 && entries[i].eax < 7) entries[i].eax = 7;
    if (entries[i].function == 1) entries[i].ecx = ~0u, entries[i].edx |= 1u << 1;  // VME
    if (entries[i].function == 7) entries[i].ebx = entries[i].ecx = ~0u, has_leaf_7 = true;
  }
  if (!has_leaf_7) {
    kvm_cpuid_entry2& leaf = entries[count++] = {};
    leaf.function = 7;
    leaf.ebx = leaf.ecx = ~0u;
  }
  CHECK_EQ(vcpu.call(kSetCpuid2, list.address()), 0);
}

}  // namespace

// XCR0 lies behind OSXSAVE, PKRU behind PKE: they are the host's, and nobody switches them.
TEST(control_bits_of_what_is_the_hosts) {
  SKIP_UNLESS(options.guest, "no guest code wanted");
  SKIP_UNLESS(Device().is_ring1(), "KVM switches what lies behind them");
  for (uint32_t bit = 0; bit < 32; bit++) {
    if (bit != kVme && bit != kPvi && bit < kFirstUnknown) continue;
    RealMode machine({0x0f, 0x20, 0xe0,         // mov eax, cr4
                      0x66, 0x09, 0xd8,         // or eax, ebx
                      0x0f, 0x22, 0xe0,         // mov cr4, eax
                      0xe6, 0x10, 0xf4});       // out 0x10, al; hlt
    machine.place(0x1100, {0xe6, 0x11, 0xf4});  // #GP: out 0x11, al; hlt
    machine.vector(13, 0x1100);
    claim_everything(machine.vm, machine.vcpu);
    kvm_regs regs = machine.vcpu.regs();
    regs.rbx = 1u << bit;
    CHECK_EQ(machine.vcpu.call(KVM_SET_REGS, &regs), 0);
    CHECK_EQ(machine.vcpu.run(), 0);
    CHECK_EQ(machine.vcpu.shared->exit_reason, KVM_EXIT_IO);
    CHECK_EQ(machine.vcpu.shared->io.port, 0x11);
    CHECK_EQ(machine.vcpu.sregs().cr4, 0);
  }
}

// Nor is it taken from user space what would then be ignored.
TEST(control_bits_of_virtual_8086_mode) {
  SKIP_UNLESS(Device().is_ring1(), "KVM's processors have VME");
  Vm vm;
  Vcpu vcpu(vm);
  List<kvm_cpuid2, kvm_cpuid_entry2, 256> list;
  list.head().nent = 256;
  CHECK_EQ(vm.device.call(kGetSupportedCpuid, list.address()), 0);
  for (uint32_t i = 0; i < list.head().nent; i++)
    if (list.entries()[i].function == 1 || list.entries()[i].function == 0x80000001)
      CHECK(!(list.entries()[i].edx & 2));
  for (const uint32_t bit : {kVme, kPvi}) {
    kvm_sregs sregs = vcpu.sregs();
    sregs.cr4 = 1u << bit;
    CHECK_EQ(vcpu.call(KVM_SET_SREGS, &sregs), -EINVAL);
  }
}
