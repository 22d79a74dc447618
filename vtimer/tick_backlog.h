// SPDX-License-Identifier: GPL-2.0-only
// Ticks of a periodic timer that the guest has not been given yet, as it did not run or was slow. They are made up for,
// on average at twice the regular rate, so a guest that counts ticks catches up until it agrees with one that reads the
// time-stamp counter, and is not overrun. The average includes the time in which the guest did not run: one that has a
// quarter of a processor gets its ticks as well, many in a row when it is its turn. What exceeds kMax is dropped: after
// a long stop time jumps once. A guest that was given too many to keep up with has half a period between two, in which
// it can do something else.
//
// A tick that is made up for comes a quarter of a period after the guest has acknowledged the one before, or has
// returned from its handler if that acknowledges early and works on with interrupts on: on a machine whose ticks are a
// period apart it would not be interrupted, and a kernel has no stack for many such handlers, one in the other.
#pragma once

#include <cstdint>

namespace ring1::vtimer {

class TickBacklog {
 public:
  static constexpr uint32_t kMax = 250;
  static constexpr uint32_t kMostInARow = 128;

  void add(uint64_t ticks) {
    const uint64_t room = kMax - pending_;
    pending_ += static_cast<uint32_t>(ticks < room ? ticks : room);
    dropped_ += ticks < room ? 0 : ticks - room;
    overrun_ = overrun_ || ticks > room;
  }
  void delivered(uint64_t now, uint64_t period) {
    --pending_;
    const uint64_t saved = overrun_ ? 0 : kMostInARow * (period / 2);
    const uint64_t oldest = now > saved ? now - saved : 0;
    overrun_ = false;
    turn_ = (turn_ > oldest ? turn_ : oldest) + period / 2;
    wait(now, period);
  }
  // The guest still has the one before: until it ends that, or for half a period.
  void wait(uint64_t now, uint64_t period) { retry_ = now + period / 2; }
  // The guest has acknowledged one.
  void ended(uint64_t now, uint64_t period) {
    at_work_ = false;
    retry_ = now + period / 4;
  }
  // It is due: may it be made up for now? at_work: a handler of one before is not over. False: a quarter of a period
  // later, perhaps.
  bool may_come(uint64_t now, uint64_t period, bool at_work) {
    const bool just_over = at_work_ && !at_work;
    // One that never comes to its end, or only seems to be there, is not waited for for ever.
    at_work_ = at_work && ++refused_ <= kMostRefused;
    if (!at_work_ && !just_over) {
      refused_ = 0;
      return true;
    }
    retry_ = now + period / 4;
    return false;
  }
  // Nobody listens, or the timer begins another life.
  void drop() {
    dropped_ += pending_;
    pending_ = 0;
  }
  void forget() { pending_ = 0; }

  uint32_t pending() const { return pending_; }
  uint64_t dropped() const { return dropped_; }
  // The earliest time for a tick out of turn.
  uint64_t due() const { return turn_ > retry_ ? turn_ : retry_; }

 private:
  static constexpr unsigned kMostRefused = 64;

  uint32_t pending_ = 0;
  bool overrun_ = false;  // some were dropped since the last delivery
  bool at_work_ = false;  // a handler was, when it was last looked
  unsigned refused_ = 0;  // for this reason, one after the other
  uint64_t turn_ = 0;     // the next is due by the average
  uint64_t retry_ = 0;
  uint64_t dropped_ = 0;
};

}  // namespace ring1::vtimer
