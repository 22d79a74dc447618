// SPDX-License-Identifier: GPL-2.0-only
// Acceptance and priority of interrupts (SDM 3A 10.8).
#include "irqchip/lapic.h"

#include <bit>

namespace ring1::irqchip {

namespace {
constexpr uint32_t kLint0ExtInt = 7u << 8;
constexpr unsigned kFirstLegalVector = 16;
constexpr uint32_t kErrorReceivedIllegal = 1u << 6;
}  // namespace

void LocalApic::reset() {
  for (uint32_t& value : regs_) value = 0;
  reg(kApicVersion) = kApicVersionValue;
  reg(kApicDfr) = ~0u;
  reg(kApicSvr) = 0xff;
  for (uint32_t lvt = kApicLvtTimer; lvt <= kApicLvtError; lvt += 16) reg(lvt) = kLvtMasked;
  // No firmware runs before the guest's kernel: leave what it would have set up, a virtual wire for the 8259.
  reg(kApicLvtLint0) = kLint0ExtInt;
  errors_ = 0;
  hardware_enabled_ = true;
  nmi_ = timer_running_ = false;
  timer_expiry_ = 0;
}

int LocalApic::highest(uint32_t bitmap) const {
  for (int word = 7; word >= 0; --word) {
    const uint32_t bits = reg(bitmap + static_cast<uint32_t>(word) * 16);
    if (bits) return word * 32 + 31 - std::countl_zero(bits);
  }
  return -1;
}

// SDM 3A 10.8.3.1: the higher class of TPR and the vector in service.
uint8_t LocalApic::processor_priority() const {
  const uint8_t tpr = task_priority();
  const int in_service = highest(kApicIsr);
  const int served = in_service < 0 ? 0 : in_service;
  return static_cast<uint8_t>(tpr >> 4 >= served >> 4 ? tpr : served & 0xf0);
}

int LocalApic::pending() const {
  if (!enabled()) return -1;
  const int vector = highest(kApicIrr);
  return vector >= 0 && vector >> 4 > processor_priority() >> 4 ? vector : -1;
}

void LocalApic::acknowledge(uint8_t vector) {
  clear_bit(kApicIrr, vector);
  set_bit(kApicIsr, vector);
}

Delivery LocalApic::deliver(DeliveryMode mode, uint8_t vector, bool level_triggered) {
  switch (mode) {
    case DeliveryMode::kNmi:
      if (!hardware_enabled_) return Delivery::kMasked;
      nmi_ = true;
      return Delivery::kDelivered;
    case DeliveryMode::kFixed:
    case DeliveryMode::kLowest: break;
    default:  // INIT, start-up and SMI: the only processor is already up; ExtINT is asked for by accepts_extint()
      return Delivery::kMasked;
  }
  if (!enabled()) return Delivery::kMasked;
  if (vector < kFirstLegalVector) {
    error(kErrorReceivedIllegal);
    return Delivery::kMasked;
  }
  const bool before = test_bit(kApicIrr, vector);
  set_bit(kApicIrr, vector);
  if (level_triggered) {
    set_bit(kApicTmr, vector);
  } else {
    clear_bit(kApicTmr, vector);
  }
  return before ? Delivery::kCoalesced : Delivery::kDelivered;
}

// SDM 3A 10.6.2: physical ID, or the flat or cluster model of the logical ID.
bool LocalApic::matches(uint8_t destination, bool logical) const {
  if (!logical) return destination == 0xff || destination == reg(kApicId) >> 24;
  const auto id = static_cast<uint8_t>(reg(kApicLdr) >> 24);
  if (reg(kApicDfr) >> 28 == 0xf) return (id & destination) != 0;
  const bool cluster = destination >> 4 == 0xf || destination >> 4 == id >> 4;
  return cluster && (id & destination & 0xf) != 0;
}

bool LocalApic::accepts_extint() const {
  if (!hardware_enabled_) return true;
  const uint32_t lint0 = reg(kApicLvtLint0);
  return !(lint0 & kLvtMasked) && static_cast<DeliveryMode>(lint0 >> 8 & 7) == DeliveryMode::kExtInt;
}

Delivery LocalApic::deliver_local(uint32_t lvt) {
  const uint32_t value = reg(lvt);
  if (value & kLvtMasked) return Delivery::kMasked;
  const auto mode =
      lvt == kApicLvtTimer || lvt == kApicLvtError ? DeliveryMode::kFixed : static_cast<DeliveryMode>(value >> 8 & 7);
  return deliver(mode, static_cast<uint8_t>(value), false);
}

void LocalApic::lint0_rising() {
  if (hardware_enabled_) deliver_local(kApicLvtLint0);
}

}  // namespace ring1::irqchip
