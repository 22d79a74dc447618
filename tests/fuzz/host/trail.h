// SPDX-License-Identifier: GPL-2.0-only
// The last operations of all threads and processes, in memory that the watchdog shares: it outlives them.
#pragma once

#include <atomic>
#include <cstdint>

namespace ring1::fuzz {

struct Step {
  const char* name;
  unsigned actor;
  uint64_t arguments[3];
  long result;
};

class Trail {
 public:
  static constexpr long kUnderWay = 0x5eed;
  static Trail* create();  // shared with what is forked

  Step& begin(unsigned actor, const char* name, uint64_t a = 0, uint64_t b = 0, uint64_t c = 0);
  void print() const;
  void clear() { next_ = 0, claimed_ = failed_ = stop = false; }
  // Ends the generation, so that the operations before it can be seen. The first one counts.
  [[gnu::format(printf, 2, 3)]] void fail(const char* format, ...);
  const char* failure() const { return failed_ ? failure_ : nullptr; }
  uint64_t steps() const { return next_; }

  std::atomic<bool> stop;
  std::atomic<uint64_t> runs, exits;  // of KVM_RUN, and how many of them came out of a guest
  std::atomic<uint64_t> kept;         // rounds of the guests that keep account of their memory
  static constexpr unsigned kReasons = 64;
  std::atomic<uint64_t> reasons[kReasons];  // exits by KVM_EXIT_, of the hostile guests

 private:
  static constexpr unsigned kKept = 200;
  std::atomic<bool> claimed_, failed_;  // somebody writes failure_; it is written
  char failure_[400];
  std::atomic<uint64_t> next_;
  Step steps_[kKept];
};

extern Trail* trail;

}  // namespace ring1::fuzz
