// SPDX-License-Identifier: GPL-2.0-only
// The 8254 of a PC and port 0x61. Times are nanoseconds of virtual time (Clock).
//
// Lost ticks: a tick that finds the line's interrupt still waiting is kept, and made up for when the guest has ended
// that (tick_backlog.h). What comes while the guest does not listen to the line at all is dropped and counted, and so
// is all that is late if the VMM wants it so (KVM_REINJECT_CONTROL).
#pragma once

#include <linux/kvm.h>

#include <cstdint>

#include "vtimer/clock.h"
#include "vtimer/pit_channel.h"
#include "vtimer/tick_backlog.h"

namespace ring1::vtimer {

// The interrupt line of channel 0.
class TimerLine {
 public:
  enum class Answer : uint8_t { kMasked, kCoalesced, kDelivered };
  virtual Answer pulse() = 0;  // up and down again

 protected:
  ~TimerLine() = default;
};

class Pit {
 public:
  static constexpr uint32_t kMaxPending = TickBacklog::kMax;

  explicit Pit(TimerLine& line) : line_(line) {}
  Pit(const Pit&) = delete;
  Pit& operator=(const Pit&) = delete;

  void reset(uint64_t now);

  // false: not our port, or not one byte.
  bool io_read(uint16_t port, unsigned size, uint32_t* value, uint64_t now);
  bool io_write(uint16_t port, unsigned size, uint32_t value, uint64_t now);

  // When advance() is to be called next; kNoDeadline: no need. A time that has passed: at once.
  uint64_t next_deadline() const { return deadline_; }
  // at_work: a handler of the line's interrupt is not over, as far as can be seen.
  void advance(uint64_t now, bool at_work = false);
  // Would a tick out of turn be given now, and nothing else?
  bool makes_up_now(uint64_t now) const { return ticks_.pending() && ended_ && now >= ticks_.due(); }
  // The guest has been given the line's interrupt, and has ended it.
  void line_taken() { ended_ = false; }
  void line_ended(uint64_t now) {
    if (!ticks_.pending()) return;
    ended_ = true;
    ticks_.ended(now, channel_[0].period_ns());
    if (ticks_.due() < deadline_) deadline_ = ticks_.due();
  }
  // Are late ticks made up for? Not: they are dropped.
  void set_makes_up(bool on) { makes_up_ = on; }
  bool makes_up() const { return makes_up_; }

  bool speaker_on() const { return port61_ & kSpeakerData; }
  uint32_t pending_ticks() const { return ticks_.pending(); }
  uint64_t dropped_ticks() const { return ticks_.dropped(); }

  void save(kvm_pit_state2* to, uint64_t now);
  void restore(const kvm_pit_state2& from, uint64_t now);

 private:
  static constexpr unsigned kChannels = 3;
  static constexpr uint8_t kGate2 = 0x01, kSpeakerData = 0x02;

  void write_control(uint8_t value, uint64_t now);
  void read_back(uint8_t command, uint64_t now);
  uint8_t read_port61(uint64_t now);
  void forget_ticks(uint64_t now);
  void deliver(uint64_t now);  // one

  TimerLine& line_;
  PitChannel channel_[kChannels];
  uint8_t port61_ = 0;
  uint64_t seen_edges_ = 0;  // of channel 0, turned into ticks
  TickBacklog ticks_;
  bool ended_ = false;  // the line may take the next one
  bool makes_up_ = true;
  uint64_t deadline_ = kNoDeadline;
};

}  // namespace ring1::vtimer
