// SPDX-License-Identifier: GPL-2.0-only
// How good a guest's clocks and timers are, for tests/time_study. It lasts as many seconds as the command line says (s10 or
// s60); between ticks it halts, or computes with "busy". Lines: what, then figures in nanoseconds or parts per billion.
#include "clocks.h"
#include "devices.h"
#include "print.h"
#include "tables.h"
#include "test.h"
#include "ticks.h"

using namespace guest;

namespace {

constexpr uint32_t kApicVector = 0x50, kMillisecond = 1'000'000, kBillion = 1'000'000'000;
Yardstick yardstick;
Ticks ticks;
uint64_t rate;
bool busy;

void wait_for_interrupt() {
  if (busy)
    asm volatile("sti; nop; cli" ::: "memory");
  else
    asm volatile("sti; hlt; cli" ::: "memory");
}

uint32_t ns(uint64_t cycles) { return static_cast<uint32_t>(cycles * 1000 / (rate / 1'000'000)); }

int32_t parts_per_billion(uint64_t value, uint64_t nominal) {
  const auto difference = static_cast<int64_t>(value - nominal);
  return static_cast<int32_t>(difference * 1000 / static_cast<int64_t>(nominal / 1'000'000));
}

// Against the frequency of the TSC that the machine tells; a clock for which a second is longer is slow.
void print_rate(const char* name, const Interval& second) {
  if (second.high == kAnytime.high) return print("rate %s unknown\n", name);
  const uint64_t middle = second.low + second.width() / 2;
  print("rate %s %d %u\n", name, -parts_per_billion(middle, rate),
        static_cast<uint32_t>(parts_per_billion(rate + second.width() / 2, rate)));
}

void print_ticks(const char* name) {
  // Those that are due by now; each comes a little later.
  const Interval due = ticks.due();
  for (unsigned i = 0; i < 500 && ticks.count() < due.low; ++i) wait_for_interrupt();
  const uint32_t count = ticks.count();
  print("ticks %s %u %u %u\n", name, static_cast<uint32_t>(due.low), count,
        count < due.low ? static_cast<uint32_t>(due.low) - count : 0);
  print("latency %s %u %u %u\n", name, ns(ticks.latency_but(50'000)), ns(ticks.latency_but(100)),
        ns(ticks.latency_but(0)));
}

void pit_handler(Frame&) {
  ticks.arrived();
  pic_eoi(0);
}

void apic_handler(Frame&) {
  ticks.arrived();
  apic(kApicEoi) = 0;
}

// A request may be left of what the PIT did before. The write that starts it is all that lies between the two readings of
// the TSC from which ticks are due. The count is the one near a millisecond that is a whole number of nanoseconds.
void start_pit() {
  constexpr uint16_t kControl = 0x43, kChannel0 = 0x40;
  constexpr uint32_t kCount = 1188;
  set_handler(kPitVector, [](Frame&) { pic_eoi(0); });
  pic_unmask(0);
  outb(kControl, 0x34);
  asm volatile("sti; nop; nop; cli" ::: "memory");
  outb(kChannel0, kCount & 0xff);
  set_handler(kPitVector, pit_handler);
  ticks.start(static_cast<uint32_t>((uint64_t{kCount} * kBillion + kPitHz / 2) / kPitHz), rate,
              [] { outb(kChannel0, kCount >> 8); });
}

// A thousand ticks of the PIT in each second, and a look at all clocks after each.
void clocks(uint32_t seconds) {
  yardstick.start();
  start_clock_sources();
  start_pit();
  uint32_t steps_back = 0;
  uint64_t last = rdtsc();
  const uint64_t end = last + seconds * rate;
  while (last < end) {
    wait_for_interrupt();
    const uint64_t now = rdtsc();
    steps_back += now < last;
    last = now;
    // At either end of the time often, to see it exactly, and in between as often as no round is missed.
    const bool edge = now + 2 * rate > end || ticks.count() < 2000;
    if (!edge && ticks.count() % 512) continue;
    if (!yardstick.look()) continue;
    for (ClockSource& source : clock_sources) source.look(yardstick);
  }
  print_ticks("PIT");
  pic_mask_all();
  print_rate("APIC_timer", yardstick.cycles_per_second());
  for (const ClockSource& source : clock_sources) print_rate(source.name, source.cycles_per_second());
  print("back TSC %u\n", steps_back);
}

void apic_ticks(const char* name, uint32_t period, uint32_t seconds) {
  set_handler(kApicVector, apic_handler);
  apic(kApicDivide) = kApicDivideBy1;
  apic(kApicTimer) = kApicPeriodic | kApicVector;
  if (period == kMillisecond)
    ticks.start(period, rate, [] { apic(kApicInitial) = kMillisecond; });
  else
    ticks.start(period, rate, [] { apic(kApicInitial) = kMillisecond / 2; });
  const uint64_t end = rdtsc() + seconds * rate;
  while (rdtsc() < end) wait_for_interrupt();
  print_ticks(name);
  apic(kApicInitial) = 0;
  asm volatile("sti; nop; nop; cli" ::: "memory");  // one may be on its way
}

}  // namespace

void run_tests() {
  rate = announced_tsc_hz();
  if (!rate) return skip("timing", "the machine does not tell the TSC's frequency");
  busy = option("busy");
  if (option("forever")) {
    print("halted\n");
    for (;;) asm volatile("cli; hlt");
  }
  if (option("ticking")) {
    set_handler(kPitVector, pit_handler);
    pic_unmask(0);
    ticks.start(kMillisecond, rate, [] { pit_start(kPitHz / 1000, 2); });
    print("ticking\n");
    for (;;) wait_for_interrupt();
  }
  const uint32_t seconds = option("s60") ? 60 : 10;
  clocks(seconds);
  apic_ticks("APIC", kMillisecond, seconds / 4);
  apic_ticks("storm", kMillisecond / 2, 2);
  print("done\n");
}
