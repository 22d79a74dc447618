// SPDX-License-Identifier: GPL-2.0-only
#include "irqchip/ioapic.h"

namespace ring1::irqchip {

namespace {

constexpr uint32_t kSelect = 0x00, kWindow = 0x10;
constexpr uint32_t kIdRegister = 0, kVersionRegister = 1, kArbitrationRegister = 2, kRedirection = 0x10;
constexpr uint32_t kVersion = 0x11 | (IoApic::kPins - 1) << 16;

constexpr uint64_t kLogical = 1u << 11, kPending = 1u << 12, kRemoteIrr = 1u << 14, kLevel = 1u << 15;
constexpr uint64_t kMasked = 1u << 16;
constexpr uint64_t kReadOnly = kPending | kRemoteIrr;
constexpr uint64_t kWritable = 0xff0000000001ffffu & ~kReadOnly;

uint8_t vector_of(uint64_t entry) { return static_cast<uint8_t>(entry); }
DeliveryMode mode_of(uint64_t entry) { return static_cast<DeliveryMode>(entry >> 8 & 7); }

}  // namespace

void IoApic::reset() {
  select_ = id_ = lines_ = 0;
  for (uint64_t& entry : entries_) entry = kMasked;
}

// Sends the message of an unmasked pin that has something to say.
Delivery IoApic::service(unsigned pin) {
  uint64_t& entry = entries_[pin];
  if (entry & kMasked) return Delivery::kMasked;
  if (entry & kRemoteIrr) return Delivery::kCoalesced;
  if (!lapic_.matches(static_cast<uint8_t>(entry >> 56), entry & kLogical)) return Delivery::kMasked;
  const bool level = (entry & kLevel) != 0;
  const Delivery result = lapic_.deliver(mode_of(entry), vector_of(entry), level);
  if (level && result != Delivery::kMasked) entry |= kRemoteIrr;
  return result;
}

// Lines arrive here as asserted or not: the polarity bit is kept for the guest to read.
Delivery IoApic::set_line(unsigned pin, bool level) {
  const uint32_t bit = 1u << pin;
  if (!level) {
    lines_ &= ~bit;
    return Delivery::kMasked;
  }
  const bool rising = !(lines_ & bit);
  lines_ |= bit;
  if (!(entries_[pin] & kLevel) && !rising) return Delivery::kCoalesced;
  return service(pin);
}

uint32_t IoApic::end_of_interrupt(uint8_t vector) {
  uint32_t pins = 0;
  for (unsigned pin = 0; pin < kPins; ++pin) {
    uint64_t& entry = entries_[pin];
    if (vector_of(entry) != vector) continue;
    if (!(entry & kMasked)) pins |= 1u << pin;
    if (!(entry & kLevel)) continue;
    entry &= ~kRemoteIrr;
    if (lines_ >> pin & 1) service(pin);
  }
  return pins;
}

void IoApic::resend_levels() {
  for (unsigned pin = 0; pin < kPins; ++pin) {
    if ((entries_[pin] & kLevel) && (lines_ >> pin & 1)) service(pin);
  }
}

bool IoApic::sends(unsigned pin, uint8_t vector) const {
  return !(entries_[pin] & kMasked) && vector_of(entries_[pin]) == vector;
}

bool IoApic::passes_extint() const { return !(entries_[0] & kMasked) && mode_of(entries_[0]) == DeliveryMode::kExtInt; }

uint32_t IoApic::read(uint32_t offset) const {
  if (offset == kSelect) return select_;
  if (offset != kWindow) return 0;
  switch (select_) {
    case kIdRegister:
    case kArbitrationRegister: return id_ << 24;
    case kVersionRegister: return kVersion;
    default: break;
  }
  const uint32_t index = select_ - kRedirection;
  if (index >= 2 * kPins) return ~0u;
  return static_cast<uint32_t>(entries_[index / 2] >> (index % 2 * 32));
}

void IoApic::write_redirection(unsigned index, uint32_t value) {
  uint64_t& entry = entries_[index / 2];
  const unsigned shift = index % 2 * 32;
  const uint64_t mask = kWritable & (uint64_t{0xffffffff} << shift);
  entry = (entry & ~mask) | ((uint64_t{value} << shift) & mask);
  if (!(entry & kLevel)) {
    entry &= ~kRemoteIrr;  // how software clears a stuck one
  } else if (lines_ >> index / 2 & 1) {
    service(index / 2);
  }
}

void IoApic::write(uint32_t offset, uint32_t value) {
  if (offset == kSelect) {
    select_ = value & 0xff;
  } else if (offset == kWindow && select_ == kIdRegister) {
    id_ = value >> 24 & 0xf;
  } else if (offset == kWindow && select_ - kRedirection < 2 * kPins) {
    write_redirection(select_ - kRedirection, value);
  }
}

void IoApic::save(kvm_ioapic_state* to) const {
  __builtin_memset(to, 0, sizeof *to);
  to->base_address = 0xfec00000;
  to->ioregsel = select_;
  to->id = id_;
  to->irr = lines_;
  for (unsigned pin = 0; pin < kPins; ++pin) to->redirtbl[pin].bits = entries_[pin];
}

void IoApic::restore(const kvm_ioapic_state& from) {
  select_ = from.ioregsel & 0xff;
  id_ = from.id & 0xf;
  lines_ = from.irr & ((1u << kPins) - 1);
  for (unsigned pin = 0; pin < kPins; ++pin) entries_[pin] = from.redirtbl[pin].bits & (kWritable | kReadOnly);
}

}  // namespace ring1::irqchip
