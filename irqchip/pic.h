// SPDX-License-Identifier: GPL-2.0-only
// One 8259A interrupt controller (Intel data sheet 231468). Its state is KVM's structure as it stands.
#pragma once

#include <linux/kvm.h>

#include <cstdint>

#include "irqchip/delivery.h"

namespace ring1::irqchip {

class Pic {
 public:
  static constexpr unsigned kPins = 8, kSpurious = 7, kCascadePin = 2;

  explicit Pic(bool is_master) : master_(is_master) { reset(); }

  void reset();
  Delivery set_line(unsigned pin, bool level);
  // IR2 of the master is the slave's INT output; it is followed as a level whatever ELCR says.
  void set_cascade(bool level);

  int pending() const;  // the pin whose request reaches INT; -1: INT is low
  void acknowledge(unsigned pin);

  // Registers at A0 = 0 and 1. A command may end service of interrupts: *ended gets their pins as bits.
  uint8_t read(unsigned address, uint8_t* ended);
  void write(unsigned address, uint8_t value, uint8_t* ended);
  uint8_t read_elcr() const { return s_.elcr; }
  void write_elcr(uint8_t value) { s_.elcr = value & s_.elcr_mask; }

  uint8_t vector(unsigned pin) const { return static_cast<uint8_t>(s_.irq_base + pin); }
  bool is_masked(unsigned pin) const { return s_.imr >> pin & 1; }
  bool auto_eoi() const { return s_.auto_eoi; }

  const kvm_pic_state& state() const { return s_; }
  void set_state(const kvm_pic_state& state);

 private:
  static constexpr unsigned kNone = 8;
  unsigned priority(uint8_t pins) const;
  unsigned pin_of(unsigned priority) const { return (priority + s_.priority_add) % kPins; }
  void initialize(uint8_t icw1);
  void end_of_interrupt(uint8_t ocw2, uint8_t* ended);
  void write_ocw3(uint8_t value);
  void write_data(uint8_t value);

  kvm_pic_state s_ = {};
  bool master_;
};

}  // namespace ring1::irqchip
