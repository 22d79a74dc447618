// SPDX-License-Identifier: GPL-2.0-only
// Timer handlers that acknowledge at once, turn interrupts on and work for half a period, as small kernels' schedulers
// do. Where ticks were missed they are made up for, but not one in the other: such a kernel has no stack for that. Each
// has done its work half a period after its begin, whoever had the processor, so on a busy machine no more are nested
// than regular ticks come late.
#include "clocks.h"
#include "cpu.h"
#include "devices.h"
#include "tables.h"
#include "test.h"

using namespace guest;

namespace {

constexpr uint32_t kPeriodNs = 10'000'000, kMissed = 60, kMostNested = 16, kStack = 24;
constexpr uint32_t kCount = kPitHz / (1'000'000'000 / kPeriodNs);
constexpr unsigned kApicVector = 0x50;

volatile uint32_t ticks, depth, deepest;
volatile bool works;
uint64_t period, last, longest_pause;  // cycles

void pit_ended() { pic_eoi(0); }
void apic_ended() { apic(kApicEoi) = 0; }

template <void (*kAcknowledge)()>
void on_tick(Frame&) {
  ticks = ticks + 1;
  depth = depth + 1;
  if (depth > deepest) deepest = depth;
  const uint64_t now = rdtsc();
  if (now - last > longest_pause) longest_pause = now - last;
  last = now;
  kAcknowledge();
  if (works && depth < kStack) {
    sti();
    const uint64_t end = rdtsc() + period / 2;
    while (rdtsc() < end) {}
    cli();
  }
  depth = depth - 1;
}

void wait_for(uint32_t count) {
  while (ticks < count) asm volatile("sti; hlt; cli" ::: "memory");
}

// By the APIC's timer. What is between the bounds is left open.
Interval measured_period() {
  constexpr uint64_t kLong = 200'000'000;
  Yardstick yardstick;
  yardstick.start();
  while (!yardstick.look()) {}
  while (yardstick.elapsed() < kLong) yardstick.look();
  const Interval second = yardstick.cycles_per_second();
  return {second.low / (1'000'000'000 / kPeriodNs), second.high / (1'000'000'000 / kPeriodNs)};
}

// Whether the count comes to what is due for certain, some time later.
bool catches_up(uint64_t begin, uint64_t longest) {
  for (uint32_t i = 0; i < 20 * kMissed; ++i) {
    wait_for(ticks + 1);
    if (ticks >= (rdtsc() - begin) / longest) return true;
  }
  return false;
}

void missed(const char* timer, uint64_t longest, void (*start)()) {
  ticks = 0;
  deepest = 0;
  works = true;
  start();
  const uint64_t begin = rdtsc();
  while (rdtsc() - begin < kMissed * period) {}
  last = rdtsc();
  longest_pause = 0;
  wait_for(kMissed / 2);
  works = false;
  const bool all = catches_up(begin, longest);
  check(deepest <= kMostNested, "%s: ticks that were missed do not come one in the other: %u deep", timer, deepest);
  // 250 are kept.
  if (!all && longest_pause > kMissed * period)
    skip("  and none is lost", "somebody else had the processor too long");
  else
    check(all, "  and none is lost: %u", ticks);
}

}  // namespace

void run_tests() {
  if (!has_edx(kCpuidApic)) return skip("nested ticks", "no local APIC");
  apic(kApicSvr) = kApicEnabled | 0xff;
  apic(kApicTpr) = 0;
  const Interval measured = measured_period();
  period = measured.low;
  // The count of the PIT is a whole number, so its period is a little shorter, or longer by one part in kCount.
  const uint64_t longest = measured.high + measured.high / kCount + 1;
  set_handler(kPitVector, on_tick<pit_ended>);
  set_handler(kPicBase + 7, [](Frame&) {});  // spurious
  pic_unmask(0);
  missed("PIT", longest, [] { pit_start(kCount, 2); });
  pic_mask_all();
  set_handler(kApicVector, on_tick<apic_ended>);
  missed("APIC timer", longest, [] {
    apic(kApicDivide) = kApicDivideBy1;
    apic(kApicTimer) = kApicPeriodic | kApicVector;
    apic(kApicInitial) = kPeriodNs;
  });
  apic(kApicInitial) = 0;
}
