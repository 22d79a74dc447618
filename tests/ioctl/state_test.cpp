// SPDX-License-Identifier: GPL-2.0-only
// Registers and events of a vCPU.
#include <cstring>

#include "check.h"
#include "machine.h"

using namespace ring1::ioctl_test;

TEST(state_after_reset) {
  Vm vm;
  Vcpu vcpu(vm);
  const kvm_regs regs = vcpu.regs();
  CHECK_EQ(regs.rip, 0xfff0);
  CHECK_EQ(regs.rflags, 2);
  CHECK_EQ(regs.rdx, 0x600);
  const kvm_sregs sregs = vcpu.sregs();
  CHECK_EQ(sregs.cs.selector, 0xf000);
  CHECK_EQ(sregs.cs.base, 0xffff0000);
  CHECK_EQ(sregs.cs.limit, 0xffff);
  CHECK_EQ(sregs.ds.limit, 0xffff);
  CHECK(sregs.ds.present && sregs.ds.s && !sregs.ds.unusable);
  CHECK_EQ(sregs.gdt.limit, 0xffff);
  CHECK_EQ(sregs.cr0, 0x60000010);
  CHECK_EQ(sregs.efer, 0);
}

TEST(state_regs) {
  Vm vm;
  Vcpu vcpu(vm);
  kvm_regs regs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0x1234, 0x246};
  CHECK_EQ(vcpu.call(KVM_SET_REGS, &regs), 0);
  const kvm_regs back = vcpu.regs();
  CHECK(std::memcmp(&regs, &back, sizeof regs) == 0);
  regs.rflags = 0;
  CHECK_EQ(vcpu.call(KVM_SET_REGS, &regs), 0);
  CHECK_EQ(vcpu.regs().rflags, 2);
  CHECK_EQ(vcpu.call(KVM_SET_REGS, 8ul), -EFAULT);
  CHECK_EQ(vcpu.call(KVM_GET_REGS, 8ul), -EFAULT);
}

TEST(state_sregs) {
  Vm vm;
  Vcpu vcpu(vm);
  kvm_sregs sregs = vcpu.sregs();
  sregs.cs.base = 0x12340;
  sregs.cs.selector = 0x1234;
  sregs.fs.base = 0x1000;
  sregs.fs.dpl = 0;
  sregs.gdt.base = 0x5000;
  sregs.gdt.limit = 0x37;
  sregs.idt.limit = 0x7ff;
  sregs.cr2 = 0xdead0000;
  CHECK_EQ(vcpu.call(KVM_SET_SREGS, &sregs), 0);
  const kvm_sregs back = vcpu.sregs();
  CHECK(std::memcmp(&sregs, &back, offsetof(kvm_sregs, apic_base)) == 0);
}

TEST(state_sregs_refused) {
  Vm vm;
  Vcpu vcpu(vm);
  const kvm_sregs good = vcpu.sregs();
  kvm_sregs bad = good;
  bad.cr4 = 1ull << 31;
  CHECK_EQ(vcpu.call(KVM_SET_SREGS, &bad), -EINVAL);
  bad = good;
  bad.efer = 1ull << 10;  // LMA without long mode
  CHECK_EQ(vcpu.call(KVM_SET_SREGS, &bad), -EINVAL);
  bad = good;
  bad.cs.l = 1;
  bad.efer = 1ull << 10;
  CHECK_EQ(vcpu.call(KVM_SET_SREGS, &bad), -EINVAL);
  if (vm.device.is_ring1()) {
    bad = good;
    bad.cr0 = 0x80000010;  // PG without PE
    CHECK_EQ(vcpu.call(KVM_SET_SREGS, &bad), -EINVAL);
    bad = good;
    bad.cr0 = 0x20000010;  // NW without CD
    CHECK_EQ(vcpu.call(KVM_SET_SREGS, &bad), -EINVAL);
    bad = good;
    bad.ds.base = 1ull << 32;
    CHECK_EQ(vcpu.call(KVM_SET_SREGS, &bad), -EINVAL);
    bad = good;
    bad.cr8 = 16;
    CHECK_EQ(vcpu.call(KVM_SET_SREGS, &bad), -EINVAL);
  }
  const kvm_sregs after = vcpu.sregs();
  CHECK(std::memcmp(&good, &after, sizeof good) == 0);
}

TEST(state_fpu) {
  Vm vm;
  Vcpu vcpu(vm);
  kvm_fpu fpu = {};
  CHECK_EQ(vcpu.call(KVM_GET_FPU, &fpu), 0);
  CHECK_EQ(fpu.fcw, 0x37f);
  CHECK_EQ(fpu.ftwx, 0);
  fpu.fcw = 0x27f;
  fpu.ftwx = 0x81;
  fpu.last_opcode = 0x123;
  for (int i = 0; i < 8; i++) fpu.fpr[i][0] = static_cast<uint8_t>(0x10 + i);
  for (int i = 0; i < 16; i++) fpu.xmm[i][15] = static_cast<uint8_t>(0x20 + i);
  fpu.mxcsr = 0x1f80;
  CHECK_EQ(vcpu.call(KVM_SET_FPU, &fpu), 0);
  kvm_fpu back;
  std::memset(&back, 0xff, sizeof back);
  CHECK_EQ(vcpu.call(KVM_GET_FPU, &back), 0);
  CHECK_EQ(back.fcw, 0x27f);
  CHECK_EQ(back.ftwx, 0x81);
  CHECK_EQ(back.last_opcode, 0x123);
  CHECK_EQ(back.fpr[7][0], 0x17);
  CHECK_EQ(back.xmm[7][15], 0x27);
  if (vm.device.is_ring1()) {
    CHECK_EQ(back.mxcsr, 0x1f80);
    fpu.mxcsr = 0xffff0000;
    CHECK_EQ(vcpu.call(KVM_SET_FPU, &fpu), -EINVAL);
  }
}

TEST(state_debugregs) {
  Vm vm;
  Vcpu vcpu(vm);
  kvm_debugregs regs = {};
  CHECK_EQ(vcpu.call(KVM_GET_DEBUGREGS, &regs), 0);
  CHECK_EQ(regs.dr6, 0xffff0ff0);
  CHECK_EQ(regs.dr7, 0x400);
  regs.db[1] = 0x1000;
  CHECK_EQ(vcpu.call(KVM_SET_DEBUGREGS, &regs), 0);
  kvm_debugregs back = {};
  CHECK_EQ(vcpu.call(KVM_GET_DEBUGREGS, &back), 0);
  CHECK_EQ(back.db[1], 0x1000);
  kvm_debugregs bad = regs;
  bad.flags = 1;
  CHECK_EQ(vcpu.call(KVM_SET_DEBUGREGS, &bad), -EINVAL);
  bad = regs;
  bad.dr6 |= 1ull << 32;
  CHECK_EQ(vcpu.call(KVM_SET_DEBUGREGS, &bad), -EINVAL);
  bad = regs;
  bad.dr7 |= 1ull << 32;
  CHECK_EQ(vcpu.call(KVM_SET_DEBUGREGS, &bad), -EINVAL);
}

TEST(state_mp_state) {
  Vm vm;
  Vcpu vcpu(vm);
  kvm_mp_state state = {77};
  CHECK_EQ(vcpu.call(KVM_GET_MP_STATE, &state), 0);
  CHECK_EQ(state.mp_state, KVM_MP_STATE_RUNNABLE);
  CHECK_EQ(vcpu.call(KVM_SET_MP_STATE, &state), 0);
  state.mp_state = KVM_MP_STATE_HALTED;
  CHECK_EQ(vcpu.call(KVM_SET_MP_STATE, &state), -EINVAL);  // no local APIC in the kernel
  state.mp_state = 77;
  CHECK_EQ(vcpu.call(KVM_SET_MP_STATE, &state), -EINVAL);
}

TEST(state_mp_state_with_apic) {
  Vm vm;
  CHECK_EQ(vm.call(KVM_CREATE_IRQCHIP), 0);
  Vcpu vcpu(vm);
  kvm_mp_state state = {KVM_MP_STATE_HALTED};
  CHECK_EQ(vcpu.call(KVM_SET_MP_STATE, &state), 0);
  state.mp_state = 77;
  CHECK_EQ(vcpu.call(KVM_GET_MP_STATE, &state), 0);
  CHECK_EQ(state.mp_state, KVM_MP_STATE_HALTED);
}

TEST(state_events) {
  Vm vm;
  Vcpu vcpu(vm);
  kvm_vcpu_events events;
  std::memset(&events, 0xff, sizeof events);
  CHECK_EQ(vcpu.call(KVM_GET_VCPU_EVENTS, &events), 0);
  CHECK_EQ(events.exception.injected, 0);
  CHECK_EQ(events.interrupt.injected, 0);
  CHECK_EQ(events.interrupt.shadow, 0);
  CHECK_EQ(events.nmi.pending, 0);
  CHECK_EQ(events.nmi.masked, 0);
  events.interrupt.shadow = KVM_X86_SHADOW_INT_STI;
  events.nmi.masked = 1;
  events.interrupt.injected = 1;
  events.interrupt.nr = 0x33;
  events.flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW;
  CHECK_EQ(vcpu.call(KVM_SET_VCPU_EVENTS, &events), 0);
  kvm_vcpu_events back = {};
  CHECK_EQ(vcpu.call(KVM_GET_VCPU_EVENTS, &back), 0);
  CHECK(back.interrupt.shadow & KVM_X86_SHADOW_INT_STI);  // AMD-V has one bit for both kinds
  CHECK_EQ(back.nmi.masked, 1);
  CHECK_EQ(back.interrupt.injected, 1);
  CHECK_EQ(back.interrupt.nr, 0x33);
  const kvm_sregs sregs = vcpu.sregs();
  CHECK_EQ(sregs.interrupt_bitmap[0], 1ull << 0x33);
}

TEST(state_events_refused) {
  Vm vm;
  Vcpu vcpu(vm);
  kvm_vcpu_events events = {};
  events.flags = 0x80000000;
  CHECK_EQ(vcpu.call(KVM_SET_VCPU_EVENTS, &events), -EINVAL);
  events.flags = KVM_VCPUEVENT_VALID_PAYLOAD;
  CHECK_EQ(vcpu.call(KVM_SET_VCPU_EVENTS, &events), -EINVAL);
  events.flags = 0;
  events.exception.injected = 1;
  events.exception.nr = 32;
  CHECK_EQ(vcpu.call(KVM_SET_VCPU_EVENTS, &events), -EINVAL);
  events.exception.nr = 2;
  CHECK_EQ(vcpu.call(KVM_SET_VCPU_EVENTS, &events), -EINVAL);
}

TEST(state_cpuid) {
  Vm vm;
  Vcpu vcpu(vm);
  CpuidList list;
  list.head().nent = 256;
  CHECK_EQ(vm.device.call(kGetSupportedCpuid, list.address()), 0);
  const uint32_t count = list.head().nent;
  CHECK_EQ(vcpu.call(kSetCpuid2, list.address()), 0);
  list.head().nent = 1;
  CHECK_EQ(vcpu.call(kGetCpuid2, list.address()), -E2BIG);
  if (vm.device.is_ring1()) CHECK_EQ(list.head().nent, count);  // KVM 6.1 forgets to tell
  list.head().nent = 300;
  CHECK_EQ(vcpu.call(kGetCpuid2, list.address()), 0);
  if (vm.device.is_ring1()) CHECK_EQ(list.head().nent, count);
  CHECK_EQ(list.entries()[0].function, 0);
  list.head().nent = 300;
  CHECK_EQ(vcpu.call(kSetCpuid2, list.address()), -E2BIG);
  CHECK_EQ(vcpu.call(kSetCpuid2, 8ul), -EFAULT);
}
