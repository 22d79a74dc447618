// SPDX-License-Identifier: GPL-2.0-only
#include "vtimer/pit.h"

namespace ring1::vtimer {

namespace {

constexpr uint16_t kCounterPort = 0x40, kControlPort = 0x43, kSystemPort = 0x61;
constexpr uint8_t kReadBack = 3;
constexpr uint8_t kReadBackNoCount = 0x20, kReadBackNoStatus = 0x10;
constexpr uint8_t kWritable61 = 0x0f, kRefreshToggle = 0x10, kOutput2 = 0x20;
constexpr uint64_t kRefreshNs = 15'085;  // channel 1's period of 18 clocks on the first PCs
// What KVM's structure has no field for: zeros, as KVM gives them, say nothing.
enum SavedField : unsigned { kSavedTicks, kSavedPolicy };
enum SavedPolicy : uint32_t { kMadeUp = 1, kDropped = 2 };
// The host is asked for a timer no more often; edges in between are counted all the same.
constexpr uint64_t kMinInterval = 100'000;

}  // namespace

void Pit::reset(uint64_t now) {
  for (unsigned i = 0; i < kChannels; ++i) channel_[i].reset(now);
  channel_[2].set_gate(false, now);
  port61_ = 0;
  ticks_ = {};
  forget_ticks(now);
}

// After programming: ticks of another life are not owed.
void Pit::forget_ticks(uint64_t now) {
  seen_edges_ = channel_[0].edges(now);
  ticks_.forget();
  ended_ = false;
  deadline_ = channel_[0].next_edge(now);
}

void Pit::deliver(uint64_t now) {
  switch (line_.pulse()) {
    case TimerLine::Answer::kDelivered: ticks_.delivered(now, channel_[0].period_ns()); break;
    case TimerLine::Answer::kCoalesced: break;
    case TimerLine::Answer::kMasked: ticks_.drop(); break;
  }
}

void Pit::advance(uint64_t now, bool at_work) {
  const uint64_t edges = channel_[0].edges(now);
  const uint64_t fresh = edges - seen_edges_;
  seen_edges_ = edges;
  ticks_.add(fresh);
  if (fresh || (makes_up_now(now) && ticks_.may_come(now, channel_[0].period_ns(), at_work))) {
    ended_ = false;
    deliver(now);
  }
  if (!makes_up_) ticks_.drop();
  uint64_t next = channel_[0].next_edge(now);
  if (ticks_.pending() && ended_ && ticks_.due() < next) next = ticks_.due();
  deadline_ = next != kNoDeadline && next < now + kMinInterval ? now + kMinInterval : next;
}

void Pit::read_back(uint8_t command, uint64_t now) {
  for (unsigned i = 0; i < kChannels; ++i) {
    if (!(command >> (i + 1) & 1)) continue;
    if (!(command & kReadBackNoCount)) channel_[i].latch_count(now);
    if (!(command & kReadBackNoStatus)) channel_[i].latch_status(now);
  }
}

void Pit::write_control(uint8_t value, uint64_t now) {
  const unsigned index = value >> 6;
  if (index == kReadBack) {
    read_back(value, now);
  } else if ((value >> 4 & 3) == PitChannel::kLatch) {
    channel_[index].latch_count(now);
  } else {
    channel_[index].write_control(value, now);
    if (index == 0) forget_ticks(now);
  }
}

uint8_t Pit::read_port61(uint64_t now) {
  uint8_t value = port61_;
  if (now / kRefreshNs % 2) value |= kRefreshToggle;
  if (channel_[2].output(now)) value |= kOutput2;
  return value;
}

bool Pit::io_read(uint16_t port, unsigned size, uint32_t* value, uint64_t now) {
  if (size != 1) return false;
  if (port == kSystemPort) {
    *value = read_port61(now);
  } else if (port == kControlPort) {
    *value = 0;  // write-only
  } else if (port >= kCounterPort && port < kCounterPort + kChannels) {
    *value = channel_[port - kCounterPort].read_count(now);
  } else {
    return false;
  }
  return true;
}

bool Pit::io_write(uint16_t port, unsigned size, uint32_t value, uint64_t now) {
  if (size != 1) return false;
  const auto byte = static_cast<uint8_t>(value);
  if (port == kSystemPort) {
    port61_ = byte & kWritable61;
    channel_[2].set_gate(byte & kGate2, now);
  } else if (port == kControlPort) {
    write_control(byte, now);
  } else if (port >= kCounterPort && port < kCounterPort + kChannels) {
    if (port == kCounterPort) advance(now);  // what is due so far belongs to the old count
    channel_[port - kCounterPort].write_count(byte, now);
    if (port == kCounterPort) deadline_ = ticks_.pending() && ended_ ? now : channel_[0].next_edge(now);
  } else {
    return false;
  }
  return true;
}

void Pit::save(kvm_pit_state2* to, uint64_t now) {
  __builtin_memset(to, 0, sizeof *to);
  for (unsigned i = 0; i < kChannels; ++i) channel_[i].save(&to->channels[i], now);
  if (port61_ & kSpeakerData) to->flags |= KVM_PIT_FLAGS_SPEAKER_DATA_ON;
  to->reserved[kSavedTicks] = ticks_.pending();
  to->reserved[kSavedPolicy] = makes_up_ ? kMadeUp : kDropped;
}

void Pit::restore(const kvm_pit_state2& from, uint64_t now) {
  for (unsigned i = 0; i < kChannels; ++i) channel_[i].restore(from.channels[i], now);
  port61_ = static_cast<uint8_t>((channel_[2].gate() ? kGate2 : 0) |
                                 (from.flags & KVM_PIT_FLAGS_SPEAKER_DATA_ON ? kSpeakerData : 0));
  forget_ticks(now);
  if (const uint32_t policy = from.reserved[kSavedPolicy]) makes_up_ = policy != kDropped;
  ticks_.add(from.reserved[kSavedTicks]);
  line_ended(now);
}

}  // namespace ring1::vtimer
