// SPDX-License-Identifier: GPL-2.0-only
// One of many guests that share few processors: it works for a while on memory that it fills and checks, and watches
// its clocks. The command line: seed1 to seed9; long runs ten times as long.
#include "cpu.h"
#include "devices.h"
#include "interval.h"
#include "pages.h"
#include "tables.h"
#include "test.h"

using namespace guest;

namespace {

constexpr uint32_t kFirst = 32u << 20, kWords = (2u << 20) / 4;
constexpr unsigned kHz = 100;
constexpr uint32_t kApicDivideBy128 = 0xa;

volatile uint32_t ticks, steps_back;
volatile uint64_t last_tsc;

void look_at_tsc() {
  const uint64_t now = rdtsc();
  if (now < last_tsc) steps_back = steps_back + 1;
  last_tsc = now;
}

uint32_t seed() {
  static constexpr const char* kSeeds[] = {"seed1", "seed2", "seed3", "seed4", "seed5",
                                           "seed6", "seed7", "seed8", "seed9"};
  for (uint32_t i = 0; i < 9; ++i)
    if (option(kSeeds[i])) return (i + 1) * 0x9e3779b9;
  return 0x2545f491;
}

uint32_t word_at(uint32_t index, uint32_t key) { return (index ^ key) * 0x01000193 + (index >> 7); }

// The words that are wrong under the old key; each gets its value under the new one.
uint32_t check_and_fill(uint32_t old_key, uint32_t new_key) {
  auto* words = reinterpret_cast<volatile uint32_t*>(kFirst);
  uint32_t wrong = 0;
  for (uint32_t i = 0; i < kWords; ++i) {
    if (words[i] != word_at(i, old_key)) ++wrong;
    words[i] = word_at(i, new_key);
  }
  return wrong;
}

// Two views of one clock: when the APIC's timer showed which count.
struct Moment {
  Interval tsc;
  uint32_t apic_count;
};

Moment now() {
  Moment moment;
  moment.tsc = when([] { return apic(kApicCurrent); }, &moment.apic_count);
  return moment;
}

// Cycles of the TSC in 1024 counts: all that the readings leave possible.
Interval tsc_per_count(const Moment& from, const Moment& to) {
  const uint64_t counts = from.apic_count - to.apic_count;
  if (counts < 2) return kAnytime;
  const Interval cycles = elapsed(from.tsc, to.tsc);
  return {(cycles.low << 10) / (counts + 1), (cycles.high << 10) / (counts - 1) + 1};
}

void start_clocks() {
  set_handler(kPitVector, [](Frame&) {
    look_at_tsc();
    ticks = ticks + 1;
    pic_eoi(0);
  });
  apic(kApicSvr) = kApicEnabled | 0xff;
  apic(kApicDivide) = kApicDivideBy128;  // the count lasts for minutes
  apic(kApicTimer) = kApicMasked | kApicPeriodic | 0xfe;
  apic(kApicInitial) = ~0u;
  pit_start(kPitHz / kHz, 2);
  pic_unmask(0);
  last_tsc = rdtsc();
  sti();
}

}  // namespace

void run_tests() {
  const uint32_t wanted = option("long") ? 10 * kHz : kHz;
  uint32_t key = seed(), wrong = 0, rounds = 0;
  auto* words = reinterpret_cast<volatile uint32_t*>(kFirst);
  for (uint32_t i = 0; i < kWords; ++i) words[i] = word_at(i, key);
  start_clocks();

  const Moment begin = now();
  Moment middle = begin;
  while (ticks < wanted) {
    const uint32_t next = key * 1664525 + 1013904223;
    wrong += check_and_fill(key, next);
    key = next;
    if (++rounds % 4 == 0) asm volatile("sti; hlt" ::: "memory");
    if (ticks < wanted / 2) middle = now();
  }
  const Moment end = now();
  cli();
  pic_mask_all();

  expect_equal("words of memory that changed", wrong, 0);
  check(rounds >= 1, "memory was looked through");
  expect_equal("steps back of the TSC", steps_back, 0);
  check(begin.apic_count > end.apic_count && begin.tsc.high < end.tsc.low, "TSC and APIC timer both go on");
  const Interval first = tsc_per_count(begin, middle), second = tsc_per_count(middle, end);
  check(!both(widened(first, 200), widened(second, 200)).empty(),
        "TSC and APIC timer keep the same pace (%u to %u, then %u to %u)", static_cast<uint32_t>(first.low),
        static_cast<uint32_t>(first.high), static_cast<uint32_t>(second.low), static_cast<uint32_t>(second.high));
}
