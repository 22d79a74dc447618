// SPDX-License-Identifier: GPL-2.0-only
// Ticks of a periodic timer that the guest has not been given yet, as it did not run or was slow. They are delivered
// between the regular ones, so a guest that counts ticks catches up at twice its speed until it agrees with one that
// reads the time-stamp counter, and is not overrun. What exceeds kMax is dropped: after a long stop time jumps once.
#pragma once

#include <cstdint>

namespace ring1::vtimer {

class TickBacklog {
 public:
  static constexpr uint32_t kMax = 250;

  void add(uint64_t ticks) {
    const uint64_t room = kMax - pending_;
    pending_ += static_cast<uint32_t>(ticks < room ? ticks : room);
    dropped_ += ticks < room ? 0 : ticks - room;
  }
  void delivered(uint64_t now) {
    --pending_;
    last_ = now;
  }
  // The guest still has the one before.
  void wait(uint64_t now) { last_ = now; }
  // Nobody listens, or the timer begins another life.
  void drop() {
    dropped_ += pending_;
    pending_ = 0;
  }
  void forget() { pending_ = 0; }

  uint32_t pending() const { return pending_; }
  uint64_t dropped() const { return dropped_; }
  // The earliest time for a tick out of turn.
  uint64_t due(uint64_t period) const { return last_ + period / 2; }

 private:
  uint32_t pending_ = 0;
  uint64_t last_ = 0;  // delivery
  uint64_t dropped_ = 0;
};

}  // namespace ring1::vtimer
