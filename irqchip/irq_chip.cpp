// SPDX-License-Identifier: GPL-2.0-only
// The wiring between the controllers, and their addresses.
#include "irqchip/irq_chip.h"

namespace ring1::irqchip {

namespace {
constexpr uint16_t kMasterPort = 0x20, kSlavePort = 0xa0, kElcrPort = 0x4d0;
constexpr uint64_t kIoApicBytes = 0x100;
}  // namespace

void IrqChip::pic_changed() {
  master_.set_cascade(slave_.pending() >= 0);
  const bool output = master_.pending() >= 0;
  if (output && !pic_output_) lapic_.lint0_rising();
  pic_output_ = output;
}

Delivery IrqChip::set_line(unsigned gsi, bool level) {
  if (gsi >= kLines || gsi == Pic::kCascadePin) return Delivery::kMasked;
  Delivery pic = Delivery::kMasked;
  if (gsi < 2 * Pic::kPins) {
    Pic& chip = gsi < Pic::kPins ? master_ : slave_;
    pic = chip.set_line(gsi % Pic::kPins, level);
    // A request that the processor cannot get from the 8259 now, as its INT is not passed on, is not heard.
    if (!lapic_.accepts_extint() && !ioapic_.passes_extint()) pic = Delivery::kMasked;
    pic_changed();
  }
  const Delivery apic = ioapic_.set_line(gsi ? gsi : kTimerPin, level);
  return pic > apic ? pic : apic;
}

bool IrqChip::extint_pending() const {
  return master_.pending() >= 0 && (lapic_.accepts_extint() || ioapic_.passes_extint());
}

bool IrqChip::has_interrupt() const { return lapic_.pending() >= 0 || extint_pending(); }

int IrqChip::acknowledge() {
  const int vector = lapic_.pending();
  if (vector >= 0) {
    lapic_.acknowledge(static_cast<uint8_t>(vector));
    if (ioapic_.sends(kTimerPin, static_cast<uint8_t>(vector))) line_taken(0);
    return vector;
  }
  return extint_pending() ? acknowledge_pic() : -1;
}

int IrqChip::acknowledge_pic() {
  const auto pin = static_cast<unsigned>(master_.pending());
  master_.acknowledge(pin);
  if (pin == 0) line_taken(0);
  if (master_.auto_eoi() && pin != Pic::kCascadePin) pic_ended(0, static_cast<uint8_t>(1u << pin));
  int vector = master_.vector(pin);
  if (pin == Pic::kCascadePin) {
    const int slave_pin = slave_.pending();
    if (slave_pin >= 0) {
      slave_.acknowledge(static_cast<unsigned>(slave_pin));
      if (slave_.auto_eoi()) pic_ended(Pic::kPins, static_cast<uint8_t>(1u << slave_pin));
    }
    vector = slave_.vector(slave_pin >= 0 ? static_cast<unsigned>(slave_pin) : Pic::kSpurious);
  }
  pic_changed();
  return vector;
}

void IrqChip::pic_ended(unsigned first_gsi, uint8_t pins) {
  for (unsigned pin = 0; listener_ && pin < Pic::kPins; ++pin) {
    if (pins >> pin & 1) listener_->line_ended(first_gsi + pin);
  }
}

void IrqChip::lapic_ended(uint8_t vector) {
  const uint32_t pins = ioapic_.end_of_interrupt(vector);
  for (unsigned pin = 0; listener_ && pin < kLines; ++pin) {
    if (pins >> pin & 1) listener_->line_ended(pin == kTimerPin ? 0 : pin);
  }
}

bool IrqChip::io_read(uint16_t port, unsigned size, uint32_t* value) {
  if (size != 1) return false;
  uint8_t ended = 0;
  switch (port) {
    case kMasterPort:
    case kMasterPort + 1:
      *value = master_.read(port & 1, &ended);
      pic_ended(0, ended);
      break;
    case kSlavePort:
    case kSlavePort + 1:
      *value = slave_.read(port & 1, &ended);
      pic_ended(Pic::kPins, ended);
      break;
    case kElcrPort: *value = master_.read_elcr(); break;
    case kElcrPort + 1: *value = slave_.read_elcr(); break;
    default: return false;
  }
  pic_changed();
  return true;
}

bool IrqChip::io_write(uint16_t port, unsigned size, uint32_t value) {
  if (size != 1) return false;
  const auto byte = static_cast<uint8_t>(value);
  uint8_t ended_master = 0, ended_slave = 0;
  switch (port) {
    case kMasterPort:
    case kMasterPort + 1: master_.write(port & 1, byte, &ended_master); break;
    case kSlavePort:
    case kSlavePort + 1: slave_.write(port & 1, byte, &ended_slave); break;
    case kElcrPort: master_.write_elcr(byte); break;
    case kElcrPort + 1: slave_.write_elcr(byte); break;
    default: return false;
  }
  pic_changed();
  pic_ended(0, ended_master);
  pic_ended(Pic::kPins, ended_slave);
  return true;
}

bool IrqChip::owns(Gpa address) const {
  return address.raw() - kIoApicBase < kIoApicBytes ||
         (lapic_.hardware_enabled() && address.raw() - apic_base_ < kPageSize);
}

// The I/O APIC answers its dword for any size. The local APIC gives the bytes of an access inside a register, and
// nothing for others (SDM 3A 10.4.1 calls them undefined).
bool IrqChip::mmio_read(Gpa address, unsigned size, uint64_t* value, uint64_t now) {
  if (!owns(address)) return false;
  if (address.raw() - kIoApicBase < kIoApicBytes) {
    *value = ioapic_.read(static_cast<uint32_t>(address.raw() - kIoApicBase));
    return true;
  }
  const auto offset = static_cast<uint32_t>(address.raw() - apic_base_);
  const uint32_t within = offset % 16;
  *value = within + size <= 4 ? lapic_.read(offset - within, now) >> (8 * within) : 0;
  return true;
}

bool IrqChip::mmio_write(Gpa address, unsigned size, uint64_t value, uint64_t now) {
  if (!owns(address)) return false;
  const auto dword = static_cast<uint32_t>(size < 4 ? value & ((1u << 8 * size) - 1) : value);
  if (address.raw() - kIoApicBase < kIoApicBytes) {
    ioapic_.write(static_cast<uint32_t>(address.raw() - kIoApicBase), dword);
    return true;
  }
  const auto offset = static_cast<uint32_t>(address.raw() - apic_base_);
  if (size != 4 || offset % 16) return true;
  const bool was_enabled = lapic_.enabled();
  const int ended = lapic_.write(offset, dword, now);
  if (ended >= 0) lapic_ended(static_cast<uint8_t>(ended));
  if (lapic_.enabled() && !was_enabled) ioapic_.resend_levels();
  return true;
}

}  // namespace ring1::irqchip
