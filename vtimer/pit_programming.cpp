// SPDX-License-Identifier: GPL-2.0-only
// Control words, counts, latches and the gate of one counter.
#include "vtimer/pit_channel.h"

namespace ring1::vtimer {

namespace {
constexpr uint8_t kStatusOutput = 0x80, kStatusNullCount = 0x40;
}

void PitChannel::write_control(uint8_t control, uint64_t now) {
  base_edges_ = edges(now);
  s_.rw_mode = control >> 4 & 3;
  s_.read_state = s_.write_state = s_.rw_mode;
  const uint8_t mode = control >> 1 & 7;
  s_.mode = mode > kHardwareStrobe ? mode & 3 : mode;  // 6 and 7 are 2 and 3
  s_.bcd = control & 1;
  s_.count_latched = s_.status_latched = 0;
  loaded_ = triggered_ = false;
  next_count_ = 0;
  held_ = 0;
}

// A mode that is at work takes a new count at its next end (2, 3) or trigger (1, 5), the others at once.
void PitChannel::accept_count(uint32_t written, uint64_t now) {
  const uint32_t count = to_count(written);
  settle(now);
  if (periodic() && running() && s_.gate) {
    next_edges_ = elapsed(now) / s_.count + 1;
    next_time_ = load_time_ + pit_ns(next_edges_ * s_.count);
    next_count_ = count;
  } else if (triggered_by_gate() && triggered_) {
    next_count_ = count;
  } else {
    load(count, now, edges_since_load(now));
  }
}

void PitChannel::write_count(uint8_t value, uint64_t now) {
  switch (s_.write_state) {
    case kLow: accept_count(value, now); break;
    case kHigh: accept_count(uint32_t{value} << 8, now); break;
    case kWordHigh:
      s_.write_state = kWord;
      accept_count(s_.write_latch | uint32_t{value} << 8, now);
      break;
    default:
      s_.write_latch = value;
      s_.write_state = kWordHigh;
      break;
  }
}

void PitChannel::latch_count(uint64_t now) {
  if (s_.count_latched) return;  // the first latch holds until it is read
  settle(now);
  s_.latched_count = to_digits(counting_element(now));
  s_.count_latched = s_.rw_mode;
}

void PitChannel::latch_status(uint64_t now) {
  if (s_.status_latched) return;
  settle(now);
  const bool null_count = !loaded_ || next_count_;
  s_.status = static_cast<uint8_t>((output(now) ? kStatusOutput : 0) | (null_count ? kStatusNullCount : 0) |
                                   s_.rw_mode << 4 | s_.mode << 1 | s_.bcd);
  s_.status_latched = 1;
}

uint8_t PitChannel::read_count(uint64_t now) {
  if (s_.status_latched) {  // the status comes first whatever was latched first
    s_.status_latched = 0;
    return s_.status;
  }
  const bool latched = s_.count_latched != 0;
  if (!latched) settle(now);
  const uint16_t count = latched ? s_.latched_count : to_digits(counting_element(now));
  uint8_t& state = latched ? s_.count_latched : s_.read_state;
  switch (state) {
    case kLow:
      if (latched) state = 0;
      return static_cast<uint8_t>(count);
    case kHigh:
      if (latched) state = 0;
      return static_cast<uint8_t>(count >> 8);
    case kWordHigh: state = latched ? 0 : kWord; return static_cast<uint8_t>(count >> 8);
    default: state = kWordHigh; return static_cast<uint8_t>(count);
  }
}

void PitChannel::set_gate(bool level, uint64_t now) {
  if (level == gate()) return;
  settle(now);
  const uint64_t done = edges_since_load(now);
  const uint64_t ticks = elapsed(now);
  s_.gate = level;
  const uint32_t count = next_count_ ? next_count_ : s_.count;
  if (!level) {
    held_ = ticks;
    if (periodic()) base_edges_ += done;
  } else if (!loaded_) {
    return;
  } else if (triggered_by_gate()) {
    load(count, now, done);
    triggered_ = true;
  } else if (periodic()) {
    load(count, now, 0);
  } else {
    load_time_ = now - pit_ns(held_);
  }
}

}  // namespace ring1::vtimer
