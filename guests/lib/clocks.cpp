// SPDX-License-Identifier: GPL-2.0-only
#include "clocks.h"

#include "devices.h"

namespace guest {

namespace {

constexpr uint16_t kSpeaker = 0x61, kPitControl = 0x43, kPitChannel2 = 0x42, kPmTimer = 0x608, kCmos = 0x70;
constexpr uint32_t kPmTimerHz = 3579545, kPmTimerModulus = 1u << 24, kPitModulus = 1u << 16;
constexpr uint32_t kApicDivideBy64 = 0x9, kNsPerApicCount = 64;
constexpr uint64_t kNsPerSecond = 1'000'000'000;
constexpr uint64_t kUsable = 10'000'000;  // ns between the two readings of the TSC

uint32_t read_pit() { return (0u - pit_count(2)) & (kPitModulus - 1); }
uint32_t read_pm_timer() { return inl(kPmTimer) & (kPmTimerModulus - 1); }
uint32_t read_second() {
  outb(kCmos, 0);
  const uint8_t bcd = inb(kCmos + 1);
  return (bcd >> 4) * 10u + (bcd & 15);
}
uint32_t read_apic() { return apic(kApicCurrent); }

uint64_t scale(uint64_t value, uint64_t numerator, uint64_t denominator) {
  return value / denominator * numerator + value % denominator * numerator / denominator;
}

// Of `cycles` in so many counts; `cut` of them may be incomplete.
Interval per_second(const Interval& cycles, uint64_t counts, uint64_t hz, uint64_t cut = 1) {
  if (counts <= cut) return kAnytime;
  return {scale(cycles.low, hz, counts + cut), scale(cycles.high, hz, counts - cut) + 1};
}

}  // namespace

constinit ClockSource clock_sources[kClockSources] = {
    {"PIT", kPitHz, kPitModulus, ClockSource::kFine, read_pit},
    {"ACPI_timer", kPmTimerHz, kPmTimerModulus, ClockSource::kFine, read_pm_timer},
    {"RTC", 1, 60, ClockSource::kCoarse, read_second}};

uint64_t announced_tsc_hz() {
  const Cpuid leaf = cpuid(0).eax >= 0x15 ? cpuid(0x15) : Cpuid{};
  if (leaf.eax && leaf.ebx && leaf.ecx) return uint64_t{leaf.ecx} * leaf.ebx / leaf.eax;
  constexpr uint32_t kSignature = 0x4b4d564b, kFeatures = 0x40000001, kClock2 = 1u << 3, kSystemTime = 0x4b564d01;
  if (cpuid(0x40000000).ebx != kSignature || !(cpuid(kFeatures).eax & kClock2)) return 0;
  // Nanoseconds are (cycles << shift) * multiplier / 2^32.
  alignas(32) static volatile struct {
    uint32_t version, pad;
    uint64_t tsc, ns;
    uint32_t multiplier;
    int8_t shift;
    uint8_t rest[3];
  } record;
  wrmsr(kSystemTime, reinterpret_cast<uintptr_t>(&record) | 1);
  wrmsr(kSystemTime, 0);
  if (!record.multiplier) return 0;
  const int down = record.shift;
  // To half a cycle: 2^32 * 10^9 does not fit by more than two bits.
  const uint64_t hz = ((kNsPerSecond << 34) / record.multiplier + 2) >> 2;
  return down < 0 ? hz << -down : hz >> down;
}

void start_clock_sources() {
  outb(kSpeaker, static_cast<uint8_t>((inb(kSpeaker) & ~2) | 1));
  outb(kPitControl, 0xb4);  // channel 2, mode 2, all 16 bits
  outb(kPitChannel2, 0);
  outb(kPitChannel2, 0);
  for (ClockSource& source : clock_sources) source.start();
}

void Yardstick::start() {
  apic(kApicSvr) = kApicEnabled | 0xff;
  apic(kApicDivide) = kApicDivideBy64;
  apic(kApicTimer) = kApicMasked | 0xfe;
  uint32_t left = 0;
  do {
    apic(kApicInitial) = ~0u;
    first_ = when(read_apic, &left);
    last_ = first_;
    begin_ = first_.low;
    ns_ = first_ns_ = uint64_t{~0u - left} * kNsPerApicCount;
  } while (ns_ > kUsable);
}

bool Yardstick::look() {
  uint32_t left = 0;
  const Interval here = when(read_apic, &left);
  const uint64_t ns = uint64_t{~0u - left} * kNsPerApicCount;
  if (scaled(here.width()) > kUsable) return false;
  last_ = here;
  ns_ = ns;
  return true;
}

Interval Yardstick::cycles_per_second() const {
  return per_second(guest::elapsed(first_, last_), (ns_ - first_ns_) / kNsPerApicCount, kNsPerSecond / kNsPerApicCount);
}

uint64_t Yardstick::scaled(uint64_t cycles) const {
  const Interval rate = cycles_per_second();
  const uint64_t middle = rate.high == kAnytime.high ? kNsPerSecond : rate.low + rate.width() / 2;
  return scale(cycles, kNsPerSecond, middle);
}

// A reading; of a coarse clock one that shows something new, and that between this and the one before.
bool ClockSource::take(Interval* at, uint32_t* value) {
  *at = when(read_, value);
  if (grain_ == kFine) return true;
  const Interval before = before_;
  const uint32_t old = value_before_;
  before_ = *at;
  value_before_ = *value;
  at->low = before.low;
  return before.high && *value != old;
}

void ClockSource::start() {
  while (!take(&first_, &first_value_)) {}
  last_ = first_;
  count_ = 0;
}

// How often it has gone round is told by the other clock; it need not be right to more than half a round.
void ClockSource::look(const Yardstick& by) {
  uint32_t value = 0;
  Interval here;
  if (!take(&here, &value) || by.ns(here.high) - by.ns(here.low) > kUsable) return;
  const uint64_t expected = (by.ns(here.high) - by.ns(first_.low)) / 1000 * hz / 1'000'000;
  const uint64_t partial = (value + modulus_ - first_value_) % modulus_;
  const uint64_t rounds = expected + modulus_ / 2 < partial ? 0 : (expected + modulus_ / 2 - partial) / modulus_;
  last_ = here;
  count_ = rounds * modulus_ + partial;
}

Interval ClockSource::cycles_per_second() const {
  return per_second(elapsed(first_, last_), count_, hz, grain_ == kFine ? 1 : 0);
}

}  // namespace guest
