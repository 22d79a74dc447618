// SPDX-License-Identifier: GPL-2.0-only
// Ports and device memory: the interrupt controllers and timers of the monitor first, user space for the rest.
#pragma once

#include "base/address.h"
#include "irqchip/irq_chip.h"
#include "monitor/world/host.h"
#include "vtimer/pit.h"

namespace ring1::monitor {

class Devices final : private vtimer::TimerLine, private irqchip::LineListener {
 public:
  explicit Devices(Host& host) : host_(host), pit_(*this) {}

  // Before the first use: virtual time begins.
  void start();

  // One access; blocks until user space has answered. false: the host has no answer.
  bool port(uint16_t port, unsigned size, uint32_t* value, bool is_write);
  bool memory(Gpa gpa, uint8_t* data, unsigned size, bool is_write);

  // Virtual time stood for so many cycles of the processor's TSC.
  void time_stood(uint64_t cycles) { clock_.skip(cycles); }
  // Takes over lines raised by the host and the passage of time. at_work: the guest's handler of a tick is not over.
  void update(bool at_work = false);
  // Is it time for a tick that is made up for, if no handler is at work?
  bool makes_up_now() const;
  // Processor TSC of the next event; 0: none.
  uint64_t deadline_tsc() const;

  bool has_interrupt() const { return chip_.has_interrupt(); }
  int acknowledge();  // vector, or -1: none any more
  // The last one acknowledged was a timer's.
  bool took_tick() const { return took_tick_; }
  bool take_nmi() { return chip_.take_nmi(); }

  void apic_base_written() { chip_.set_apic_base(host_.shared().cpu.apic_base); }
  uint64_t cr8() const { return chip_.cr8(); }
  void set_cr8(uint64_t value);

  // The guest's clock as KVM_GET_CLOCK tells it, at that TSC of the processor; what KVM_SET_CLOCK has added to virtual
  // time.
  uint64_t kvm_clock(uint64_t tsc) const { return clock_.ns(tsc) + kvm_clock_offset_; }
  uint64_t kvm_clock_offset() const { return kvm_clock_offset_; }

  void touch() { touched_ = true; }
  // Something to look at before the guest goes on was touched since the last call.
  bool take_touched() {
    const bool touched = touched_;
    touched_ = false;
    return touched;
  }

  int command(ring1_command command);

 private:
  Answer pulse() override;
  void line_taken(unsigned gsi) override;
  void line_ended(unsigned gsi) override;

  bool internal_port(uint16_t port, unsigned size, uint32_t* value, bool is_write);
  uint64_t now() const;

  Host& host_;
  irqchip::IrqChip chip_;
  vtimer::Clock clock_;
  vtimer::Pit pit_;
  uint64_t kvm_clock_offset_ = 0;
  bool took_tick_ = false;
  bool touched_ = true;
};

}  // namespace ring1::monitor
