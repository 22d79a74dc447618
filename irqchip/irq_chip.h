// SPDX-License-Identifier: GPL-2.0-only
// The interrupt controllers of a PC with one processor: two 8259A, an I/O APIC and a local APIC, wired as the
// usual boards are. Times are nanoseconds of virtual time (vtimer::Clock).
//
//   GSI 0 (timer) --> 8259 IR0 and I/O APIC pin 2
//   GSI 1..15     --> 8259 pair and the I/O APIC pin of the same number (GSI 2: the 8259s' cascade, pin 2 belongs
//                     to the timer: nothing)
//   GSI 16..23    --> I/O APIC only
//   8259 INT      --> LINT0 (ExtINT), I/O APIC pin 0 (ExtINT), or INTR if the local APIC is off
#pragma once

#include <linux/kvm.h>

#include <cstdint>

#include "base/address.h"
#include "irqchip/ioapic.h"
#include "irqchip/lapic.h"
#include "irqchip/pic.h"

namespace ring1::irqchip {

inline constexpr uint64_t kIoApicBase = 0xfec00000;
inline constexpr uint64_t kDefaultApicBase = 0xfee00000;
inline constexpr uint64_t kApicBaseEnabled = 1u << 11, kApicBaseBsp = 1u << 8;

// Told when the guest has been given the interrupt of a line, and when it has ended it (EOI): the next edge will be
// seen.
class LineListener {
 public:
  virtual void line_taken(unsigned gsi) { (void)gsi; }
  virtual void line_ended(unsigned gsi) = 0;

 protected:
  ~LineListener() = default;
};

class IrqChip {
 public:
  static constexpr unsigned kLines = 24;

  IrqChip() : ioapic_(lapic_) {}
  IrqChip(const IrqChip&) = delete;
  IrqChip& operator=(const IrqChip&) = delete;

  void reset();
  void set_listener(LineListener* listener) { listener_ = listener; }

  // For an edge the answer tells whether it will be seen; for level = false it means nothing.
  Delivery set_line(unsigned gsi, bool level);

  bool has_interrupt() const;  // an external interrupt for the processor, IF aside
  int acknowledge();           // its vector; -1: none (any more)
  bool nmi_pending() const { return lapic_.nmi_pending(); }
  bool take_nmi() { return lapic_.take_nmi(); }

  // false: not our port, or no access of this size.
  bool io_read(uint16_t port, unsigned size, uint32_t* value);
  bool io_write(uint16_t port, unsigned size, uint32_t value);
  // false: not our address. Sizes 1, 2, 4, 8; *value holds the bytes as memory would.
  bool mmio_read(Gpa address, unsigned size, uint64_t* value, uint64_t now);
  bool mmio_write(Gpa address, unsigned size, uint64_t value, uint64_t now);
  bool owns(Gpa address) const;

  void set_apic_base(uint64_t msr);  // the caller has checked the reserved bits
  uint64_t cr8() const { return lapic_.task_priority() >> 4; }
  void set_cr8(uint64_t value) { lapic_.set_task_priority(static_cast<uint8_t>((value & 0xf) << 4)); }

  uint64_t next_deadline() const { return lapic_.next_deadline(); }  // kNoDeadline: none
  void advance(uint64_t now, bool at_work = false) { lapic_.advance(now, at_work); }
  bool makes_up_now(uint64_t now) const { return lapic_.makes_up_now(now); }
  // The local APIC's timer sends this vector.
  bool is_timer(uint8_t vector) const { return lapic_.is_timer(vector); }

  // chip_id KVM_IRQCHIP_*; false: no such chip.
  bool save(kvm_irqchip* to) const;
  bool restore(const kvm_irqchip& from);
  void save_lapic(kvm_lapic_state* to, uint64_t now) const { lapic_.save(to, now); }
  void restore_lapic(const kvm_lapic_state& from, uint64_t now) { lapic_.restore(from, now); }

 private:
  static constexpr unsigned kTimerPin = 2;

  bool extint_pending() const;
  int acknowledge_pic();
  void pic_changed();  // after anything that may have changed an INT output
  void pic_ended(unsigned first_gsi, uint8_t pins);
  void line_taken(unsigned gsi) {
    if (listener_) listener_->line_taken(gsi);
  }
  void lapic_ended(uint8_t vector);

  Pic master_{true}, slave_{false};
  LocalApic lapic_;
  IoApic ioapic_;
  LineListener* listener_ = nullptr;
  uint64_t apic_base_ = kDefaultApicBase;
  bool pic_output_ = false;
};

}  // namespace ring1::irqchip
