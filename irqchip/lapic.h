// SPDX-License-Identifier: GPL-2.0-only
// The local APIC (SDM 3A 10) of the only processor. Times are nanoseconds of virtual time; the timer's bus clock
// is 1 GHz, so one count at a divider of 1 is a nanosecond.
#pragma once

#include <linux/kvm.h>

#include <cstdint>

#include "irqchip/delivery.h"
#include "vtimer/tick_backlog.h"

namespace ring1::irqchip {

// Offsets of the registers, each at the start of 16 bytes.
enum ApicRegister : uint32_t {
  kApicId = 0x20,
  kApicVersion = 0x30,
  kApicTpr = 0x80,
  kApicPpr = 0xa0,
  kApicEoi = 0xb0,
  kApicLdr = 0xd0,
  kApicDfr = 0xe0,
  kApicSvr = 0xf0,
  kApicIsr = 0x100,
  kApicTmr = 0x180,
  kApicIrr = 0x200,
  kApicEsr = 0x280,
  kApicIcrLow = 0x300,
  kApicIcrHigh = 0x310,
  kApicLvtTimer = 0x320,
  kApicLvtThermal = 0x330,
  kApicLvtPerf = 0x340,
  kApicLvtLint0 = 0x350,
  kApicLvtLint1 = 0x360,
  kApicLvtError = 0x370,
  kApicInitialCount = 0x380,
  kApicCurrentCount = 0x390,
  kApicDivide = 0x3e0,
};

enum class DeliveryMode : uint8_t { kFixed = 0, kLowest = 1, kSmi = 2, kNmi = 4, kInit = 5, kStartup = 6, kExtInt = 7 };

inline constexpr uint32_t kLvtMasked = 1u << 16, kLvtPeriodic = 1u << 17;
inline constexpr uint32_t kSvrEnabled = 1u << 8;
inline constexpr uint32_t kApicVersionValue = 0x14 | 5u << 16;  // integrated, six LVT entries
inline constexpr uint32_t kDivideWritable = 0xb;

class LocalApic {
 public:
  LocalApic() { reset(); }
  void reset();

  // Bit 11 of the APIC base MSR: switched off, the processor has just an INTR pin.
  void set_hardware_enabled(bool on) { hardware_enabled_ = on; }
  bool hardware_enabled() const { return hardware_enabled_; }
  bool enabled() const { return hardware_enabled_ && (reg(kApicSvr) & kSvrEnabled); }

  // An interrupt message; the destination matches.
  Delivery deliver(DeliveryMode mode, uint8_t vector, bool level_triggered);
  bool matches(uint8_t destination, bool logical) const;
  // Does INTR from the 8259 pair reach the processor?
  bool accepts_extint() const;
  void lint0_rising();  // LINT0 programmed as something else than ExtINT

  int pending() const;  // the vector to deliver; -1: none above the processor's priority
  void acknowledge(uint8_t vector);

  uint32_t read(uint32_t offset, uint64_t now) const;
  // -1, or the vector that an EOI has ended.
  int write(uint32_t offset, uint32_t value, uint64_t now);

  uint8_t task_priority() const { return static_cast<uint8_t>(reg(kApicTpr)); }
  void set_task_priority(uint8_t value) { reg(kApicTpr) = value; }

  uint64_t next_deadline() const;
  // at_work: a handler of the timer's interrupt is not over, as far as can be seen.
  void advance(uint64_t now, bool at_work = false);
  // Would a tick out of turn be given now, and nothing else?
  bool makes_up_now(uint64_t now) const { return ticks_.pending() && now >= ticks_.due() && now < timer_expiry_; }
  bool is_timer(uint8_t vector) const { return timer_vector() == vector; }

  bool take_nmi() {
    const bool pending = nmi_;
    nmi_ = false;
    return pending;
  }
  bool nmi_pending() const { return nmi_; }

  void save(kvm_lapic_state* to, uint64_t now) const;
  void restore(const kvm_lapic_state& from, uint64_t now);

 private:
  static constexpr unsigned kRegisters = KVM_APIC_REG_SIZE / 16;

  uint32_t& reg(uint32_t offset) { return regs_[offset / 16]; }
  uint32_t reg(uint32_t offset) const { return regs_[offset / 16]; }
  void set_bit(uint32_t bitmap, uint8_t vector) { reg(bitmap + vector / 32 * 16) |= 1u << vector % 32; }
  void clear_bit(uint32_t bitmap, uint8_t vector) { reg(bitmap + vector / 32 * 16) &= ~(1u << vector % 32); }
  bool test_bit(uint32_t bitmap, uint8_t vector) const { return reg(bitmap + vector / 32 * 16) >> vector % 32 & 1; }
  int highest(uint32_t bitmap) const;
  uint8_t processor_priority() const;

  uint8_t timer_vector() const { return static_cast<uint8_t>(reg(kApicLvtTimer)); }
  int end_of_interrupt(uint64_t now);
  void write_icr(uint32_t value);
  void write_svr(uint32_t value);
  void error(uint32_t bit);
  Delivery deliver_local(uint32_t lvt);
  uint64_t period() const;

  unsigned divide_shift() const;
  uint32_t current_count(uint64_t now) const;
  void start_timer(uint32_t count, uint64_t now);
  void write_divide(uint32_t value, uint64_t now);

  uint32_t regs_[kRegisters] = {};
  uint32_t errors_ = 0;  // seen since the last write to ESR
  bool hardware_enabled_ = true;
  bool nmi_ = false;
  bool timer_running_ = false;
  uint64_t timer_expiry_ = 0;
  vtimer::TickBacklog ticks_;  // of the periodic timer
};

}  // namespace ring1::irqchip
