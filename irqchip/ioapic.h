// SPDX-License-Identifier: GPL-2.0-only
// The I/O APIC (82093AA, data sheet 290566): 24 pins onto messages to the local APIC.
#pragma once

#include <linux/kvm.h>

#include <cstdint>

#include "irqchip/lapic.h"

namespace ring1::irqchip {

class IoApic {
 public:
  static constexpr unsigned kPins = KVM_IOAPIC_NUM_PINS;

  explicit IoApic(LocalApic& lapic) : lapic_(lapic) { reset(); }
  void reset();

  Delivery set_line(unsigned pin, bool level);
  // The local APIC has ended `vector`: level-triggered pins still high send it again. Returns the pins that use
  // the vector, as bits.
  uint32_t end_of_interrupt(uint8_t vector);
  void resend_levels();  // the local APIC may have begun to listen
  bool sends(unsigned pin, uint8_t vector) const;
  bool passes_extint() const;  // pin 0, wired to the 8259 pair, is in ExtINT mode

  uint32_t read(uint32_t offset) const;
  void write(uint32_t offset, uint32_t value);

  void save(kvm_ioapic_state* to) const;
  void restore(const kvm_ioapic_state& from);

 private:
  Delivery service(unsigned pin);
  void write_redirection(unsigned index, uint32_t value);

  LocalApic& lapic_;
  uint32_t select_ = 0, id_ = 0;
  uint32_t lines_ = 0;  // asserted pins
  uint64_t entries_[kPins] = {};
};

}  // namespace ring1::irqchip
