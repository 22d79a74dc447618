// SPDX-License-Identifier: GPL-2.0-only
// Interrupts into the guest: from user space, through the controllers, NMI, and waking from HLT.
#include "check.h"
#include "machine.h"

using namespace ring1::ioctl_test;

namespace {

constexpr uint8_t kHlt = 0xf4, kNop = 0x90, kSti = 0xfb, kOutAl = 0xe6, kMovAl = 0xb0, kIret = 0xcf;

void needs_guest() { SKIP_UNLESS(options.guest, "no guest code wanted"); }

// mov al,value; out port,al. Port 0x99 belongs to no device in the kernel.
#define OUT(port, value) kMovAl, (value), kOutAl, (port)

}  // namespace

TEST(interrupt_from_user_space) {
  needs_guest();
  RealMode machine({kSti, kNop, kNop, 0xeb, 0xfd});
  machine.vector(0x33, 0x1100);
  machine.place(0x1100, {OUT(0x99, 0x33), kIret});
  kvm_run* run = machine.vcpu.shared;
  kvm_interrupt interrupt = {256};
  CHECK_EQ(machine.vcpu.call(KVM_INTERRUPT, &interrupt), -EINVAL);
  run->request_interrupt_window = 1;
  CHECK_EQ(machine.vcpu.run(), 0);
  CHECK_EQ(run->exit_reason, KVM_EXIT_IRQ_WINDOW_OPEN);
  CHECK_EQ(run->ready_for_interrupt_injection, 1);
  CHECK_EQ(run->if_flag, 1);
  run->request_interrupt_window = 0;
  interrupt.irq = 0x33;
  CHECK_EQ(machine.vcpu.call(KVM_INTERRUPT, &interrupt), 0);
  CHECK_EQ(machine.vcpu.run(), 0);
  CHECK_EQ(run->exit_reason, KVM_EXIT_IO);
  CHECK_EQ(*machine.vcpu.io_data(), 0x33);
}

TEST(interrupt_refused_with_irqchip) {
  Vm vm;
  CHECK_EQ(vm.call(KVM_CREATE_IRQCHIP), 0);
  Vcpu vcpu(vm);
  kvm_interrupt interrupt = {0x33};
  CHECK_EQ(vcpu.call(KVM_INTERRUPT, &interrupt), -ENXIO);
}

TEST(interrupt_nmi) {
  needs_guest();
  RealMode machine({kNop, 0xeb, 0xfd});
  machine.vector(2, 0x1100);
  machine.place(0x1100, {OUT(0x99, 0x02), kIret});
  CHECK_EQ(machine.vcpu.call(KVM_NMI), 0);
  CHECK_EQ(machine.vcpu.run(), 0);
  CHECK_EQ(machine.vcpu.shared->exit_reason, KVM_EXIT_IO);
  CHECK_EQ(*machine.vcpu.io_data(), 0x02);
}

TEST(interrupt_injected_event) {
  needs_guest();
  RealMode machine({kHlt});
  machine.vector(6, 0x1100);
  machine.place(0x1100, {OUT(0x99, 0x06), kIret});
  kvm_vcpu_events events = {};
  events.exception.injected = 1;
  events.exception.nr = 6;
  CHECK_EQ(machine.vcpu.call(KVM_SET_VCPU_EVENTS, &events), 0);
  CHECK_EQ(machine.vcpu.run(), 0);
  CHECK_EQ(machine.vcpu.shared->exit_reason, KVM_EXIT_IO);
  CHECK_EQ(*machine.vcpu.io_data(), 0x06);
}

// The guest sets up the PIC itself, halts, and is woken by a line.
TEST(interrupt_line_through_the_pic) {
  needs_guest();
  RealMode machine({OUT(0x20, 0x11), OUT(0x21, 0x20), OUT(0x21, 0x04), OUT(0x21, 0x01), OUT(0x21, 0xdf),
                    OUT(0x99, 0x01), kSti, kHlt, 0xeb, 0xfd},
                   RealMode::kIrqchip);
  machine.vector(0x25, 0x1100);
  machine.place(0x1100, {OUT(0x99, 0x25), OUT(0x20, 0x20), kIret});
  CHECK_EQ(machine.vcpu.run(), 0);
  CHECK_EQ(machine.vcpu.shared->exit_reason, KVM_EXIT_IO);
  CHECK_EQ(*machine.vcpu.io_data(), 0x01);
  for (int i = 0; i < 3; i++) {
    kvm_irq_level line = {{5}, 1};
    CHECK_EQ(machine.vm.call(KVM_IRQ_LINE, &line), 0);
    line.level = 0;
    CHECK_EQ(machine.vm.call(KVM_IRQ_LINE, &line), 0);
    CHECK_EQ(machine.vcpu.run(), 0);
    CHECK_EQ(machine.vcpu.shared->exit_reason, KVM_EXIT_IO);
    CHECK_EQ(*machine.vcpu.io_data(), 0x25);
  }
}

// PIT channel 0 in mode 2 every 10 ms wakes the guest from HLT.
TEST(interrupt_timer_wakes_from_halt) {
  needs_guest();
  RealMode machine({OUT(0x20, 0x11), OUT(0x21, 0x20), OUT(0x21, 0x04), OUT(0x21, 0x01), OUT(0x21, 0xfe),
                    OUT(0x43, 0x34), OUT(0x40, 0x9c), OUT(0x40, 0x2e), kSti, kHlt, 0xeb, 0xfd},
                   RealMode::kIrqchip);
  machine.vector(0x20, 0x1100);
  machine.place(0x1100, {OUT(0x20, 0x20), OUT(0x99, 0x20), kIret});
  for (int i = 0; i < 5; i++) {
    CHECK_EQ(machine.vcpu.run(), 0);
    CHECK_EQ(machine.vcpu.shared->exit_reason, KVM_EXIT_IO);
    CHECK_EQ(*machine.vcpu.io_data(), 0x20);
  }
}
