// SPDX-License-Identifier: GPL-2.0-only
// The clocks of a PC beside the time-stamp counter: what readings of them, each between two readings of the TSC, leave
// possible. All have their nominal frequency, the APIC's timer 1 GHz as on every virtual machine known to us.
#pragma once

#include "interval.h"

namespace guest {

// Cycles of the TSC in a second, by the APIC's timer, which lasts for minutes here. Starts and uses that timer.
class Yardstick {
 public:
  void start();
  // Between which TSC readings the APIC's timer was read last, and what it said, in nanoseconds since the start.
  bool look();  // false: somebody else had the processor too long
  uint64_t ns(uint64_t tsc) const { return tsc <= begin_ ? 0 : scaled(tsc - begin_); }
  uint64_t elapsed() const { return ns_; }
  Interval cycles_per_second() const;

 private:
  uint64_t scaled(uint64_t cycles) const;
  Interval first_{}, last_{};
  uint64_t begin_ = 0, first_ns_ = 0, ns_ = 0;
};

class ClockSource {
 public:
  // A coarse one is looked at for the moments at which it goes on.
  enum Grain { kFine, kCoarse };
  constexpr ClockSource(const char* its_name, uint32_t its_hz, uint64_t modulus, Grain grain, uint32_t (*read)())
      : name(its_name), hz(its_hz), modulus_(modulus), grain_(grain), read_(read) {}

  void start();
  void look(const Yardstick& by);
  // Cycles of the TSC in a second of this clock.
  Interval cycles_per_second() const;
  uint64_t counted() const { return count_; }

  const char* const name;
  const uint32_t hz;

 private:
  bool take(Interval* at, uint32_t* value);

  const uint64_t modulus_;
  const Grain grain_;
  uint32_t (*const read_)();
  Interval first_{}, last_{}, before_{};
  uint32_t first_value_ = 0, value_before_ = 0;
  uint64_t count_ = 0;  // since the start
};

// The TSC's frequency as the machine tells it: by CPUID's leaf 0x15 (SDM 2A CPUID), or by KVM's clock. 0: it does not.
uint64_t announced_tsc_hz();

// PIT channel 2, the ACPI timer, the real-time clock's second.
inline constexpr unsigned kClockSources = 3;
extern ClockSource clock_sources[kClockSources];
void start_clock_sources();

}  // namespace guest
