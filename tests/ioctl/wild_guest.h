// SPDX-License-Identifier: GPL-2.0-only
// A guest whose ring 1 executes bytes that nobody translated. Its RET, translated, puts the address it goes on at on the
// guest's stack for the length of one instruction; this process writes there all the time, from another thread. So the
// processor sometimes returns to bytes of ours, at ring 1.
#pragma once

#include <pthread.h>

#include <initializer_list>
#include <memory>
#include <random>

#include "machine.h"

namespace ring1::ioctl_test {

class WildGuest {
 public:
  WildGuest();
  ~WildGuest();

  // Executes `bytes` at ring 1, UD2 behind them, with random registers but ESP. False: it did not come to it.
  bool execute(const uint8_t* bytes, unsigned count);
  bool execute(std::initializer_list<uint8_t> bytes) {
    return execute(bytes.begin(), static_cast<unsigned>(bytes.size()));
  }

  // For the bytes: room that they may write, and a GDT with a descriptor of each kind.
  static constexpr uint32_t kScratch = 0x40000;
  static constexpr uint16_t kFlatCode = 8, kFlatData = 16;
  static constexpr unsigned kDescriptors = 256;
  uint8_t* scratch() const { return memory_.data() + kScratch; }

  // From now on the scratch's first word is under a data breakpoint.
  void watch_scratch() { watching_ = true; }

  std::mt19937 random;

 private:
  static void* write_always(void* self);
  static void turn(long microseconds);  // 0: no signal comes
  void reset();

  struct Machine {
    explicit Machine(const Memory& memory);
    Vm vm;
    Vcpu vcpu;
  };
  Memory memory_;
  std::unique_ptr<Machine> machine_;
  pthread_t writer_;
  bool watching_ = false;
  volatile bool ended_ = false;
};

}  // namespace ring1::ioctl_test
