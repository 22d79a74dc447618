// SPDX-License-Identifier: GPL-2.0-only
// Interrupt controllers and timer in the kernel: creation, state, lines.
#include <time.h>

#include <cstring>

#include "check.h"
#include "machine.h"

using namespace ring1::ioctl_test;

TEST(irqchip_create) {
  Vm vm;
  CHECK_EQ(vm.call(KVM_CREATE_IRQCHIP), 0);
  CHECK_EQ(vm.call(KVM_CREATE_IRQCHIP), -EEXIST);
  Vm late;
  Vcpu vcpu(late);
  CHECK_EQ(late.call(KVM_CREATE_IRQCHIP), -EINVAL);
}

TEST(irqchip_absent) {
  Vm vm;
  Vcpu vcpu(vm);
  kvm_irqchip chip = {};
  kvm_irq_level level = {};
  kvm_pit_state2 pit = {};
  kvm_lapic_state lapic = {};
  CHECK_EQ(vm.call(KVM_GET_IRQCHIP, &chip), -ENXIO);
  CHECK_EQ(vm.call(KVM_SET_IRQCHIP, &chip), -ENXIO);
  CHECK_EQ(vm.call(KVM_IRQ_LINE, &level), -ENXIO);
  CHECK_EQ(vm.call(KVM_IRQ_LINE_STATUS, &level), -ENXIO);
  CHECK_EQ(vm.call(KVM_GET_PIT2, &pit), -ENXIO);
  CHECK_EQ(vm.call(KVM_SET_PIT2, &pit), -ENXIO);
  CHECK_EQ(vcpu.call(KVM_GET_LAPIC, &lapic), -EINVAL);
  CHECK_EQ(vcpu.call(KVM_SET_LAPIC, &lapic), -EINVAL);
}

TEST(irqchip_pit_create) {
  Vm vm;
  kvm_pit_config config = {};
  if (vm.device.is_ring1()) CHECK_EQ(vm.call(KVM_CREATE_PIT2, &config), -ENOENT);  // newer KVMs agree
  CHECK_EQ(vm.call(KVM_CREATE_IRQCHIP), 0);
  CHECK_EQ(vm.call(KVM_CREATE_PIT2, 8ul), -EFAULT);
  CHECK_EQ(vm.call(KVM_CREATE_PIT2, &config), 0);
  CHECK_EQ(vm.call(KVM_CREATE_PIT2, &config), -EEXIST);
}

TEST(irqchip_reinject_control) {
  Vm vm;
  kvm_reinject_control control = {};
  CHECK_EQ(vm.call(KVM_CHECK_EXTENSION, static_cast<unsigned long>(KVM_CAP_REINJECT_CONTROL)), 1);
  CHECK_EQ(vm.call(KVM_REINJECT_CONTROL, &control), -ENXIO);
  CHECK_EQ(vm.call(KVM_CREATE_IRQCHIP), 0);
  CHECK_EQ(vm.call(KVM_REINJECT_CONTROL, &control), -ENXIO);
  kvm_pit_config config = {};
  CHECK_EQ(vm.call(KVM_CREATE_PIT2, &config), 0);
  CHECK_EQ(vm.call(KVM_REINJECT_CONTROL, 8ul), -EFAULT);
  CHECK_EQ(vm.call(KVM_REINJECT_CONTROL, &control), 0);
  Vcpu vcpu(vm);
  control.pit_reinject = 1;
  CHECK_EQ(vm.call(KVM_REINJECT_CONTROL, &control), 0);
}

// Ticks of a PIT at 1 kHz whose first one nobody takes: those behind it are kept, or dropped. ring1 tells in the words
// of the state that KVM has no use for, and takes them back.
TEST(irqchip_late_ticks) {
  constexpr unsigned kTicks = 0, kPolicy = 1, kMadeUp = 1, kDropped = 2;
  RealMode guest({0xf4}, RealMode::kIrqchip);
  SKIP_UNLESS(guest.vm.device.is_ring1(), "KVM does not tell");
  const auto state_later = [&guest] {
    const timespec time = {0, 50'000'000};
    nanosleep(&time, nullptr);
    kvm_pit_state2 state = {};
    CHECK_EQ(guest.vm.call(KVM_GET_PIT2, &state), 0);
    return state;
  };
  const auto reinject = [&guest](uint8_t on) {
    kvm_reinject_control control = {};
    control.pit_reinject = on;
    CHECK_EQ(guest.vm.call(KVM_REINJECT_CONTROL, &control), 0);
  };
  kvm_pit_state2 pit = {};
  CHECK_EQ(guest.vm.call(KVM_GET_PIT2, &pit), 0);
  CHECK_EQ(pit.reserved[kPolicy], kMadeUp);
  pit.channels[0].count = 1193;
  pit.channels[0].mode = 2;
  CHECK_EQ(guest.vm.call(KVM_SET_PIT2, &pit), 0);
  kvm_pit_state2 late = state_later();
  CHECK(late.reserved[kTicks] >= 40);
  const uint32_t owed = late.reserved[kTicks];
  CHECK_EQ(guest.vm.call(KVM_SET_PIT2, &late), 0);
  CHECK_EQ(guest.vm.call(KVM_GET_PIT2, &late), 0);
  CHECK(late.reserved[kTicks] >= owed);

  reinject(0);
  late = state_later();
  CHECK_EQ(late.reserved[kTicks], 0);
  CHECK_EQ(late.reserved[kPolicy], kDropped);
  // What KVM tells says nothing of it.
  late.reserved[kPolicy] = 0;
  CHECK_EQ(guest.vm.call(KVM_SET_PIT2, &late), 0);
  CHECK_EQ(state_later().reserved[kPolicy], kDropped);
  late.reserved[kPolicy] = kMadeUp;
  CHECK_EQ(guest.vm.call(KVM_SET_PIT2, &late), 0);
  CHECK(state_later().reserved[kTicks] >= 40);
  reinject(0);
  CHECK_EQ(state_later().reserved[kTicks], 0);
  reinject(1);
  CHECK(state_later().reserved[kTicks] >= 40);
}

// A VMM may have looked at the vCPU already.
TEST(irqchip_pit_create_late) {
  Vm vm;
  CHECK_EQ(vm.call(KVM_CREATE_IRQCHIP), 0);
  Vcpu vcpu(vm);
  kvm_lapic_state lapic = {};
  CHECK_EQ(vcpu.call(KVM_GET_LAPIC, &lapic), 0);
  kvm_pit_config config = {};
  CHECK_EQ(vm.call(KVM_CREATE_PIT2, &config), 0);
  kvm_pit_state2 pit = {};
  CHECK_EQ(vm.call(KVM_GET_PIT2, &pit), 0);
}

TEST(irqchip_vapic) {
  kvm_vapic_addr none = {};
  {
    Vm vm;
    Vcpu vcpu(vm);
    CHECK_EQ(vcpu.call(KVM_SET_VAPIC_ADDR, &none), -EINVAL);
  }
  Vm vm;
  CHECK_EQ(vm.call(KVM_CREATE_IRQCHIP), 0);
  Vcpu vcpu(vm);
  CHECK_EQ(vcpu.call(KVM_SET_VAPIC_ADDR, &none), 0);
  if (vm.call(KVM_CHECK_EXTENSION, static_cast<unsigned long>(KVM_CAP_VAPIC)) == 0) {
    kvm_vapic_addr some = {.vapic_addr = 0x5000};
    CHECK_EQ(vcpu.call(KVM_SET_VAPIC_ADDR, &some), -EINVAL);
  }
}

TEST(irqchip_state) {
  Vm vm;
  CHECK_EQ(vm.call(KVM_CREATE_IRQCHIP), 0);
  Vcpu vcpu(vm);
  kvm_irqchip chip = {};
  chip.chip_id = 3;
  CHECK_EQ(vm.call(KVM_GET_IRQCHIP, &chip), -EINVAL);
  CHECK_EQ(vm.call(KVM_SET_IRQCHIP, &chip), -EINVAL);
  for (uint32_t id = 0; id < 3; id++) {
    chip.chip_id = id;
    CHECK_EQ(vm.call(KVM_GET_IRQCHIP, &chip), 0);
    CHECK_EQ(vm.call(KVM_SET_IRQCHIP, &chip), 0);
  }
  chip.chip_id = 0;
  CHECK_EQ(vm.call(KVM_GET_IRQCHIP, &chip), 0);
  chip.chip.pic.irq_base = 0x28;
  chip.chip.pic.imr = 0xfb;
  CHECK_EQ(vm.call(KVM_SET_IRQCHIP, &chip), 0);
  std::memset(&chip.chip, 0, sizeof chip.chip);
  CHECK_EQ(vm.call(KVM_GET_IRQCHIP, &chip), 0);
  CHECK_EQ(chip.chip.pic.irq_base, 0x28);
  CHECK_EQ(chip.chip.pic.imr, 0xfb);
}

TEST(irqchip_pit_state) {
  Vm vm;
  CHECK_EQ(vm.call(KVM_CREATE_IRQCHIP), 0);
  kvm_pit_config config = {};
  CHECK_EQ(vm.call(KVM_CREATE_PIT2, &config), 0);
  Vcpu vcpu(vm);
  kvm_pit_state2 pit = {};
  CHECK_EQ(vm.call(KVM_GET_PIT2, &pit), 0);
  pit.channels[2].count = 0x1234;
  pit.channels[2].mode = 3;
  CHECK_EQ(vm.call(KVM_SET_PIT2, &pit), 0);
  kvm_pit_state2 back = {};
  CHECK_EQ(vm.call(KVM_GET_PIT2, &back), 0);
  CHECK_EQ(back.channels[2].count, 0x1234);
  CHECK_EQ(back.channels[2].mode, 3);
}

TEST(irqchip_lapic) {
  Vm vm;
  CHECK_EQ(vm.call(KVM_CREATE_IRQCHIP), 0);
  Vcpu vcpu(vm);
  kvm_lapic_state lapic = {};
  CHECK_EQ(vcpu.call(KVM_GET_LAPIC, &lapic), 0);
  uint32_t version, spurious;
  std::memcpy(&version, lapic.regs + 0x30, 4);
  CHECK_EQ(version & 0xff, 0x14);
  spurious = 0x1ff;
  std::memcpy(lapic.regs + 0xf0, &spurious, 4);
  CHECK_EQ(vcpu.call(KVM_SET_LAPIC, &lapic), 0);
  CHECK_EQ(vcpu.call(KVM_GET_LAPIC, &lapic), 0);
  std::memcpy(&spurious, lapic.regs + 0xf0, 4);
  CHECK_EQ(spurious, 0x1ff);
}

TEST(irqchip_lines) {
  Vm vm;
  CHECK_EQ(vm.call(KVM_CREATE_IRQCHIP), 0);
  kvm_irq_level line = {};
  for (unsigned i = 0; i < 600; i++) {  // before there is a vCPU, and more than any queue holds
    line.irq = i % 24;
    line.level = i / 24 & 1;
    CHECK_EQ(vm.call(KVM_IRQ_LINE, &line), 0);
  }
  Vcpu vcpu(vm);
  for (unsigned i = 0; i < 600; i++) {
    line.irq = i % 24;
    line.level = i / 24 & 1;
    CHECK_EQ(vm.call(KVM_IRQ_LINE, &line), 0);
  }
  line.irq = 5000;
  line.level = 1;
  CHECK_EQ(vm.call(KVM_IRQ_LINE_STATUS, &line), 0);
  CHECK_EQ(line.status, -1);
  CHECK_EQ(vm.call(KVM_IRQ_LINE, 8ul), -EFAULT);
}

TEST(irqchip_routing) {
  Vm vm;
  List<kvm_irq_routing, kvm_irq_routing_entry, 40> table;
  CHECK_EQ(vm.call(KVM_CREATE_IRQCHIP), 0);
  for (uint32_t gsi = 0; gsi < 24; gsi++) {
    if (gsi < 16) {
      kvm_irq_routing_entry& pic = table.entries()[table.head().nr++];
      pic.gsi = gsi;
      pic.type = KVM_IRQ_ROUTING_IRQCHIP;
      pic.u.irqchip.irqchip = gsi < 8 ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE;
      pic.u.irqchip.pin = gsi % 8;
    }
    kvm_irq_routing_entry& ioapic = table.entries()[table.head().nr++];
    ioapic.gsi = gsi;
    ioapic.type = KVM_IRQ_ROUTING_IRQCHIP;
    ioapic.u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
    ioapic.u.irqchip.pin = gsi;
  }
  CHECK_EQ(vm.call(kSetGsiRouting, table.address()), 0);
  table.head().flags = 1;
  CHECK_EQ(vm.call(kSetGsiRouting, table.address()), -EINVAL);
  table.head().flags = 0;
  table.entries()[0].u.irqchip.irqchip = 9;
  CHECK_EQ(vm.call(kSetGsiRouting, table.address()), -EINVAL);
  table.head().nr = 100000;
  CHECK_EQ(vm.call(kSetGsiRouting, table.address()), -EINVAL);
}
