// SPDX-License-Identifier: GPL-2.0-only
// The APIC timer (SDM 3A 10.5.4): one-shot and periodic.
#include "irqchip/lapic.h"

namespace ring1::irqchip {

namespace {
// A periodic timer fires no faster: a guest must not drown its host in timers.
constexpr uint64_t kMinPeriod = 100'000;
}  // namespace

// Bits 3, 1, 0 of the divide configuration: 2, 4, ... 128, and 1 for 7.
unsigned LocalApic::divide_shift() const {
  const uint32_t value = reg(kApicDivide);
  return (((value & 3) | (value >> 1 & 4)) + 1) & 7;
}

uint32_t LocalApic::current_count(uint64_t now) const {
  if (!timer_running_ || now >= timer_expiry_) return 0;
  const unsigned shift = divide_shift();
  const uint64_t left = (timer_expiry_ - now + (uint64_t{1} << shift) - 1) >> shift;
  return left > 0xffffffffu ? 0xffffffffu : static_cast<uint32_t>(left);
}

uint64_t LocalApic::period() const {
  const uint64_t period = uint64_t{reg(kApicInitialCount)} << divide_shift();
  if (!(reg(kApicLvtTimer) & kLvtPeriodic) || !period) return 0;
  return period < kMinPeriod ? kMinPeriod : period;
}

void LocalApic::start_timer(uint32_t count, uint64_t now) {
  timer_running_ = count != 0;
  timer_expiry_ = now + (uint64_t{count} << divide_shift());
  ticks_.forget();
}

void LocalApic::write_divide(uint32_t value, uint64_t now) {
  const uint32_t left = current_count(now);
  reg(kApicDivide) = value & kDivideWritable;
  if (timer_running_) timer_expiry_ = now + (uint64_t{left} << divide_shift());
}

uint64_t LocalApic::next_deadline() const {
  if (!timer_running_) return kNoDeadline;
  return ticks_.pending() && ticks_.due() < timer_expiry_ ? ticks_.due() : timer_expiry_;
}

// A periodic timer's ticks that were missed are made up for, one that is in service being over first.
void LocalApic::advance(uint64_t now, bool at_work) {
  if (now < next_deadline()) return;
  const uint64_t period = this->period();
  if (now < timer_expiry_) {
    if (!ticks_.may_come(now, period, at_work || test_bit(kApicIsr, timer_vector()))) return;
  } else {
    ticks_.add(period ? (now - timer_expiry_) / period + 1 : 1);
    if (period) timer_expiry_ += ((now - timer_expiry_) / period + 1) * period;
    timer_running_ = period != 0;
  }
  switch (deliver_local(kApicLvtTimer)) {
    case Delivery::kDelivered: return ticks_.delivered(now, period);
    case Delivery::kCoalesced: return ticks_.wait(now, period);
    case Delivery::kMasked: return ticks_.drop();
  }
}

}  // namespace ring1::irqchip
