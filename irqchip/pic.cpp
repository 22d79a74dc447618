// SPDX-License-Identifier: GPL-2.0-only
// Requests, priorities, acknowledgement.
#include "irqchip/pic.h"

#include <bit>

namespace ring1::irqchip {

namespace {
// Lines that may be level-triggered: not the timer, the keyboard, the cascade, the clock and the coprocessor.
constexpr uint8_t kElcrMaskMaster = 0xf8, kElcrMaskSlave = 0xde;
}  // namespace

void Pic::reset() {
  s_ = {};
  s_.elcr_mask = master_ ? kElcrMaskMaster : kElcrMaskSlave;
}

void Pic::set_state(const kvm_pic_state& state) {
  const uint8_t elcr_mask = s_.elcr_mask;
  s_ = state;
  s_.elcr_mask = elcr_mask;
  s_.elcr &= elcr_mask;
  s_.priority_add %= kPins;
  s_.init_state &= 3;
}

// The rank of the best of `pins`, 0 the best; kNone if there is none.
unsigned Pic::priority(uint8_t pins) const {
  if (!pins) return kNone;
  return static_cast<unsigned>(std::countr_zero(std::rotr(pins, s_.priority_add)));
}

Delivery Pic::set_line(unsigned pin, bool level) {
  const auto bit = static_cast<uint8_t>(1u << pin);
  const uint8_t before = s_.irr;
  if (!level) {
    s_.last_irr &= static_cast<uint8_t>(~bit);
    if (s_.elcr & bit) s_.irr &= static_cast<uint8_t>(~bit);
  } else {
    if ((s_.elcr & bit) || !(s_.last_irr & bit)) s_.irr |= bit;
    s_.last_irr |= bit;
  }
  if (s_.imr & bit) return Delivery::kMasked;
  return before & bit ? Delivery::kCoalesced : Delivery::kDelivered;
}

void Pic::set_cascade(bool level) {
  const auto bit = static_cast<uint8_t>(1u << kCascadePin);
  s_.irr = static_cast<uint8_t>(level ? s_.irr | bit : s_.irr & ~bit);
}

int Pic::pending() const {
  const unsigned request = priority(s_.irr & static_cast<uint8_t>(~s_.imr));
  if (request == kNone) return -1;
  uint8_t in_service = s_.isr;
  if (s_.special_mask) in_service &= static_cast<uint8_t>(~s_.imr);
  // In the special fully nested mode a slave in service does not lock out its own better requests.
  if (s_.special_fully_nested_mode && master_) in_service &= static_cast<uint8_t>(~(1u << kCascadePin));
  return request < priority(in_service) ? static_cast<int>(pin_of(request)) : -1;
}

void Pic::acknowledge(unsigned pin) {
  const auto bit = static_cast<uint8_t>(1u << pin);
  if (!(s_.elcr & bit)) s_.irr &= static_cast<uint8_t>(~bit);
  if (!s_.auto_eoi) {
    s_.isr |= bit;
  } else if (s_.rotate_on_auto_eoi) {
    s_.priority_add = static_cast<uint8_t>((pin + 1) % kPins);
  }
}

}  // namespace ring1::irqchip
