// SPDX-License-Identifier: GPL-2.0-only
// The clock that moves a written count into the counter is not counted: everything is at most one clock (0.84 us)
// earlier than on silicon.
#include "vtimer/pit_channel.h"

#include "vtimer/ratio.h"

namespace ring1::vtimer {

namespace {

using Wide = unsigned __int128;

constexpr uint64_t kNsPerSecond = 1'000'000'000;
constexpr Ratio kTicksPerNs(kPitHz, kNsPerSecond), kNsPerTick(kNsPerSecond, kPitHz);
constexpr uint64_t kNever = ~uint64_t{0};
constexpr uint32_t kBinaryModulus = 0x10000, kBcdModulus = 10000;

}  // namespace

uint64_t pit_ticks(uint64_t ns) {
  const uint64_t ticks = kTicksPerNs.apply(ns);  // or one less than that, where the fraction's rounding matters
  const bool short_by_one = Wide{ticks + 1} * kNsPerSecond <= Wide{ns} * kPitHz;
  return ticks + (short_by_one ? 1 : 0);
}

uint64_t pit_ns(uint64_t ticks) {
  uint64_t ns = kNsPerTick.apply(ticks);
  while (Wide{ns} * kPitHz < Wide{ticks} * kNsPerSecond) ++ns;
  return ns;
}

void PitChannel::reset(uint64_t now) {
  *this = PitChannel{};
  s_.gate = 1;
  s_.mode = kSquareWave;
  s_.rw_mode = s_.read_state = s_.write_state = kWord;
  s_.count = kBinaryModulus;
  load_time_ = now;
}

uint32_t PitChannel::to_count(uint32_t written) const {
  if (!s_.bcd) return written ? written : kBinaryModulus;
  uint32_t count = 0;
  for (int shift = 12; shift >= 0; shift -= 4) count = count * 10 + (written >> shift & 0xf);
  return count ? count : kBcdModulus;
}

uint16_t PitChannel::to_digits(uint32_t count) const {
  if (!s_.bcd) return static_cast<uint16_t>(count);
  uint32_t digits = 0;
  count %= kBcdModulus;
  for (int shift = 0; shift < 16; shift += 4, count /= 10) digits |= count % 10 << shift;
  return static_cast<uint16_t>(digits);
}

uint64_t PitChannel::elapsed(uint64_t now) const {
  if (stopped_by_gate()) return held_;
  return now > load_time_ ? pit_ticks(now - load_time_) : 0;
}

// What the counter shows. One-shot modes go on below zero, periodic modes start again.
uint32_t PitChannel::counting_element(uint64_t now) const {
  const uint32_t modulus = s_.bcd ? kBcdModulus : kBinaryModulus;
  if (!running()) return s_.count % modulus;
  const uint64_t ticks = elapsed(now);
  if (!periodic()) return static_cast<uint32_t>((s_.count + modulus - ticks % modulus) % modulus);
  const auto at = static_cast<uint32_t>(ticks % s_.count);
  if (s_.mode == kRateGenerator) return s_.count - at;
  // Square wave: by twos from the even part of the count, once for each half; an odd count's high half is longer.
  const uint32_t high = (s_.count + 1) / 2;
  return (s_.count & ~1u) - 2 * (at < high ? at : at - high);
}

bool PitChannel::output(uint64_t now) {
  settle(now);
  if (!running()) return s_.mode != kTerminalCount;
  const uint64_t ticks = elapsed(now);
  switch (s_.mode) {
    case kTerminalCount: return ticks >= s_.count;
    case kOneShot: return ticks >= s_.count;
    case kRateGenerator: return !s_.gate || ticks % s_.count != s_.count - 1;
    case kSquareWave: return !s_.gate || ticks % s_.count < (s_.count + 1) / 2;
    default: return ticks != s_.count;  // strobes: low for one clock
  }
}

// Modes that end: the clock after which OUT rises. A strobe is low for the one before.
uint32_t PitChannel::final_tick() const {
  return s_.mode == kSoftwareStrobe || s_.mode == kHardwareStrobe ? s_.count + 1 : s_.count;
}

uint64_t PitChannel::edges_since_load(uint64_t now) const {
  if (!running()) return 0;
  if (!periodic()) return elapsed(now) >= final_tick();
  return s_.gate ? elapsed(now) / s_.count : 0;
}

uint64_t PitChannel::edges(uint64_t now) {
  settle(now);
  return base_edges_ + edges_since_load(now);
}

uint64_t PitChannel::next_edge(uint64_t now) {
  settle(now);
  if (!running() || stopped_by_gate()) return kNever;
  if (periodic()) return load_time_ + pit_ns((elapsed(now) / s_.count + 1) * s_.count);
  return elapsed(now) < final_tick() ? load_time_ + pit_ns(final_tick()) : kNever;
}

void PitChannel::load(uint32_t count, uint64_t at, uint64_t edges_before) {
  base_edges_ += edges_before;
  s_.count = count;
  next_count_ = 0;
  load_time_ = at;
  held_ = 0;
  loaded_ = true;
}

// Loads a count whose predecessor's period is over.
void PitChannel::settle(uint64_t now) {
  if (next_count_ && periodic() && s_.gate && now >= next_time_) load(next_count_, next_time_, next_edges_);
}

void PitChannel::save(kvm_pit_channel_state* to, uint64_t now) {
  settle(now);
  *to = s_;
  if (next_count_) to->count = next_count_;
  to->count_load_time = static_cast<__s64>(load_time_);
}

// The other side's clock is not ours: the count starts anew, as KVM does it.
void PitChannel::restore(const kvm_pit_channel_state& from, uint64_t now) {
  const uint64_t edges = base_edges_;
  *this = PitChannel{};
  s_ = from;
  s_.mode = from.mode > kHardwareStrobe ? from.mode & 3 : from.mode;
  s_.bcd = from.bcd != 0;
  s_.gate = from.gate != 0;
  s_.rw_mode = from.rw_mode & 3;
  if (s_.rw_mode == kLatch) s_.rw_mode = kWord;
  const uint32_t modulus = s_.bcd ? kBcdModulus : kBinaryModulus;
  load(from.count && from.count <= modulus ? from.count : modulus, now, edges);
}

}  // namespace ring1::vtimer
