// SPDX-License-Identifier: GPL-2.0-only
// The register page of the local APIC (SDM 3A 10.4.1).
#include "irqchip/lapic.h"

namespace ring1::irqchip {

namespace {
constexpr uint32_t kVectorMask = 0xff, kLvtMode = 7u << 8, kLvtPolarity = 1u << 13, kLvtTrigger = 1u << 15;
constexpr uint32_t kDeliveryPending = 1u << 12;
constexpr uint32_t kErrorSentIllegal = 1u << 5;
constexpr uint32_t kSvrWritable = 0x1ff | 1u << 9;
enum Shorthand : uint32_t { kNoShorthand, kSelf, kAll, kAllButSelf };

// The writable bits of an LVT entry (SDM 3A figure 10-8).
uint32_t lvt_writable(uint32_t lvt) {
  constexpr uint32_t common = kVectorMask | kLvtMasked;
  switch (lvt) {
    case kApicLvtTimer: return common | kLvtPeriodic;
    case kApicLvtThermal:
    case kApicLvtPerf: return common | kLvtMode;
    case kApicLvtLint0:
    case kApicLvtLint1: return common | kLvtMode | kLvtPolarity | kLvtTrigger;
    default: return common;
  }
}

}  // namespace

int LocalApic::end_of_interrupt(uint64_t now) {
  const int vector = highest(kApicIsr);
  if (vector >= 0) clear_bit(kApicIsr, static_cast<uint8_t>(vector));
  if (vector == timer_vector()) ticks_.ended(now, period());
  return vector;
}

void LocalApic::error(uint32_t bit) {
  if (errors_ & bit) return;  // also ends the recursion if the error entry's own vector is illegal
  errors_ |= bit;
  deliver_local(kApicLvtError);
}

void LocalApic::write_icr(uint32_t value) {
  reg(kApicIcrLow) = value & ~kDeliveryPending;
  const auto mode = static_cast<DeliveryMode>(value >> 8 & 7);
  const auto vector = static_cast<uint8_t>(value);
  if ((mode == DeliveryMode::kFixed || mode == DeliveryMode::kLowest) && vector < 16) {
    error(kErrorSentIllegal);
    return;
  }
  bool to_us = false;
  switch (value >> 18 & 3) {
    case kNoShorthand: to_us = matches(static_cast<uint8_t>(reg(kApicIcrHigh) >> 24), value >> 11 & 1); break;
    case kSelf:
    case kAll: to_us = true; break;
    case kAllButSelf: break;
  }
  if (to_us) deliver(mode, vector, false);
}

// Software disable masks every LVT entry, and they stay so (SDM 3A 10.4.7.2).
void LocalApic::write_svr(uint32_t value) {
  reg(kApicSvr) = value & kSvrWritable;
  if (value & kSvrEnabled) return;
  for (uint32_t lvt = kApicLvtTimer; lvt <= kApicLvtError; lvt += 16) reg(lvt) |= kLvtMasked;
}

uint32_t LocalApic::read(uint32_t offset, uint64_t now) const {
  switch (offset) {
    case kApicPpr: return processor_priority();
    case kApicCurrentCount: return current_count(now);
    case kApicEoi: return 0;
    default: return offset < KVM_APIC_REG_SIZE ? reg(offset) : 0;
  }
}

int LocalApic::write(uint32_t offset, uint32_t value, uint64_t now) {
  switch (offset) {
    case kApicId:
    case kApicLdr: reg(offset) = value & 0xff000000u; break;
    case kApicTpr: reg(offset) = value & 0xff; break;
    case kApicEoi: return end_of_interrupt(now);
    case kApicDfr: reg(offset) = value | 0x0fffffffu; break;
    case kApicSvr: write_svr(value); break;
    case kApicEsr:
      reg(offset) = errors_;
      errors_ = 0;
      break;
    case kApicIcrLow: write_icr(value); break;
    case kApicIcrHigh: reg(offset) = value & 0xff000000u; break;
    case kApicLvtTimer:
    case kApicLvtThermal:
    case kApicLvtPerf:
    case kApicLvtLint0:
    case kApicLvtLint1:
    case kApicLvtError:
      value &= lvt_writable(offset);
      if (!(reg(kApicSvr) & kSvrEnabled)) value |= kLvtMasked;
      reg(offset) = value;
      break;
    case kApicInitialCount:
      reg(offset) = value;
      start_timer(value, now);
      break;
    case kApicDivide: write_divide(value, now); break;
    default:  // read-only and reserved registers
      break;
  }
  return -1;
}

void LocalApic::save(kvm_lapic_state* to, uint64_t now) const {
  __builtin_memset(to, 0, sizeof *to);
  for (uint32_t offset = 0; offset < KVM_APIC_REG_SIZE; offset += 16) {
    const uint32_t value = read(offset, now);
    __builtin_memcpy(to->regs + offset, &value, sizeof value);
  }
}

void LocalApic::restore(const kvm_lapic_state& from, uint64_t now) {
  for (uint32_t offset = 0; offset < KVM_APIC_REG_SIZE; offset += 16) {
    __builtin_memcpy(&reg(offset), from.regs + offset, sizeof(uint32_t));
  }
  for (uint32_t lvt = kApicLvtTimer; lvt <= kApicLvtError; lvt += 16) reg(lvt) &= lvt_writable(lvt);
  reg(kApicVersion) = kApicVersionValue;
  reg(kApicDivide) &= kDivideWritable;
  errors_ = 0;
  const uint32_t count = reg(kApicCurrentCount);
  start_timer(count, now);
}

}  // namespace ring1::irqchip
