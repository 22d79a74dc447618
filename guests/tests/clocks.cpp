// SPDX-License-Identifier: GPL-2.0-only
// All clocks are views of one: TSC, APIC timer, PIT, ACPI timer and real-time clock keep one pace, and no tick is lost.
// Each check is one that holds however long the guest is kept from the processor in between.
#include "clocks.h"

#include "devices.h"
#include "tables.h"
#include "test.h"
#include "ticks.h"

using namespace guest;

namespace {

constexpr uint32_t kPeriodNs = 2'000'000, kApicVector = 0x50;
Yardstick yardstick;
Ticks ticks;

void print_rate(const char* name, const Interval& rate) {
  constexpr uint32_t kMillion = 1'000'000;
  check(rate.high != kAnytime.high, "%s: a second is %u.%06u to %u.%06u million cycles", name,
        static_cast<uint32_t>(rate.low / kMillion), static_cast<uint32_t>(rate.low % kMillion),
        static_cast<uint32_t>(rate.high / kMillion), static_cast<uint32_t>(rate.high % kMillion));
}

// The real-time clock of a real machine has a crystal of its own, and emulators show the host's.
uint64_t tolerance() { return option("engine=bare") || option("engine=kvm") ? 500 : 50'000; }

bool all_known() {
  for (const ClockSource& source : clock_sources)
    if (source.cycles_per_second().high == kAnytime.high) return false;
  return true;
}

// A little more than a second; longer where nobody let us look at the moment when the real-time clock's second changed.
Interval pace() {
  constexpr uint64_t kLong = 1'300'000'000, kTooLong = 20'000'000'000;
  yardstick.start();
  start_clock_sources();
  while (!yardstick.look()) {}
  const uint64_t begin = yardstick.elapsed();
  while (yardstick.elapsed() - begin < (all_known() ? kLong : kTooLong)) {
    if (!yardstick.look()) continue;
    for (ClockSource& source : clock_sources) source.look(yardstick);
  }
  Interval all = widened(yardstick.cycles_per_second(), tolerance());
  print_rate("APIC timer", yardstick.cycles_per_second());
  for (const ClockSource& source : clock_sources) {
    const Interval rate = source.cycles_per_second();
    print_rate(source.name, rate);
    all = both(all, widened(rate, tolerance()));
    check(!all.empty(), "  it agrees with those before it");
  }
  return all;
}

void announced(const Interval& rate) {
  const uint64_t hz = announced_tsc_hz();
  if (!hz) return skip("the machine tells the TSC's frequency", "it does not here");
  check(!both(rate, widened({hz, hz}, tolerance())).empty(), "the machine tells the TSC's frequency: %u kHz",
        static_cast<uint32_t>(hz / 1000));
}

// Those that came late come: some time later none is owed.
void expect_all(const char* name) {
  bool complete = false;
  for (uint32_t i = 0; i < 2000 && !complete; ++i) {
    asm volatile("sti; hlt; cli" ::: "memory");
    complete = ticks.count() + ticks.excused() >= ticks.due().low;
  }
  check(complete, "%s: none of its ticks is lost", name);
  // QEMU's AMD-V now and then delivers an injected interrupt a second time (docs/time.md).
  const uint64_t twice = option("engine=svm") || option("engine=svm-shadow") ? ticks.count() / 10 : 0;
  check(ticks.count() <= ticks.due().high + twice, "  and there are not too many: %u", ticks.count());
}

void all_ticks(const Interval& rate) {
  if (option("engine=bare") || option("engine=kvm"))
    return skip("no tick is lost", "a promise of ours: neither processors nor emulators keep a tick that nobody takes");
  const uint64_t middle = rate.low + rate.width() / 2;
  set_handler(kPitVector, [](Frame&) {
    ticks.arrived();
    pic_eoi(0);
  });
  constexpr uint32_t kCount = kPitHz / (1'000'000'000 / kPeriodNs);
  constexpr uint32_t kExactNs = static_cast<uint32_t>(uint64_t{kCount} * 1'000'000'000 / kPitHz);
  pic_unmask(0);
  ticks.start(kExactNs, middle, [] { pit_start(kCount, 2); });
  // Kept from all interrupts for some periods, again and again.
  while (ticks.count() < 100) {
    const uint64_t until = rdtsc() + middle / 100;
    while (rdtsc() < until) {}
    asm volatile("sti; nop; hlt; cli" ::: "memory");
  }
  expect_all("PIT");
  pic_mask_all();
  set_handler(kApicVector, [](Frame&) {
    ticks.arrived();
    apic(kApicEoi) = 0;
  });
  ticks.start(kPeriodNs, middle, [] {
    apic(kApicDivide) = kApicDivideBy1;
    apic(kApicTimer) = kApicPeriodic | kApicVector;
    apic(kApicInitial) = kPeriodNs;
  });
  while (ticks.count() < 100) {
    const uint64_t until = rdtsc() + middle / 100;
    while (rdtsc() < until) {}
    asm volatile("sti; nop; hlt; cli" ::: "memory");
  }
  expect_all("APIC timer");
  apic(kApicInitial) = 0;
}

}  // namespace

void run_tests() {
  if (!has_edx(kCpuidApic)) return skip("clocks", "no local APIC");
  const Interval rate = pace();
  announced(rate);
  all_ticks(rate);
}
