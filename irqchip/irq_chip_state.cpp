// SPDX-License-Identifier: GPL-2.0-only
// Reset, the APIC base MSR, and the state as KVM's structures carry it.
#include "irqchip/irq_chip.h"

namespace ring1::irqchip {

void IrqChip::reset() {
  master_.reset();
  slave_.reset();
  lapic_.reset();
  ioapic_.reset();
  apic_base_ = kDefaultApicBase;
  pic_output_ = false;
}

void IrqChip::set_apic_base(uint64_t msr) {
  apic_base_ = msr & kPageMask;
  lapic_.set_hardware_enabled((msr & kApicBaseEnabled) != 0);
}

bool IrqChip::save(kvm_irqchip* to) const {
  switch (to->chip_id) {
    case KVM_IRQCHIP_PIC_MASTER: to->chip.pic = master_.state(); return true;
    case KVM_IRQCHIP_PIC_SLAVE: to->chip.pic = slave_.state(); return true;
    case KVM_IRQCHIP_IOAPIC: ioapic_.save(&to->chip.ioapic); return true;
    default: return false;
  }
}

bool IrqChip::restore(const kvm_irqchip& from) {
  switch (from.chip_id) {
    case KVM_IRQCHIP_PIC_MASTER: master_.set_state(from.chip.pic); break;
    case KVM_IRQCHIP_PIC_SLAVE: slave_.set_state(from.chip.pic); break;
    case KVM_IRQCHIP_IOAPIC:
      ioapic_.restore(from.chip.ioapic);
      ioapic_.resend_levels();
      return true;
    default: return false;
  }
  pic_changed();
  return true;
}

}  // namespace ring1::irqchip
