// SPDX-License-Identifier: GPL-2.0-only
// Runs 32-bit (or 16-bit) code of this process at ring 3 in LDT segments, and hands every trap to a callback
// that may change all registers: the processor as the translator's test bench.
#pragma once

#include <cstdint>
#include <functional>

namespace ring1::translator::test {

struct Registers {
  uint32_t gpr[8] = {};  // in the order of their encoding
  uint32_t eip = 0;
  uint32_t eflags = 0;
};

struct Trap {
  int vector;    // 1: single step; 13: general protection, and so on
  int software;  // the n of an INT n, else -1
  bool single_step;
  uint16_t cs;
  Registers registers;
};

// The fixed places of the test's memory, all below 4 GiB.
struct Arena {
  static constexpr uint32_t kGuest = 0x30000000, kGuestBytes = 0x10000;
  static constexpr uint32_t kData = 0x30100000, kDataBytes = 0x1000;
  static constexpr uint32_t kStack = 0x30200000, kStackBytes = 0x4000;
  static constexpr uint32_t kCache = 0x31000000, kCacheBytes = 0x100000;
  static constexpr uint32_t kShared = 0x32000000;
};

template <class T = uint8_t>
T* at(uint32_t address) {
  return reinterpret_cast<T*>(static_cast<uintptr_t>(address));
}

class Cpu {
 public:
  static constexpr uint16_t kFlatCode = 0x0f, kFlatData = 0x17, kShared = 0x1f, kCode16 = 0x27;

  // False: no code runs in LDT segments of this size here.
  static bool available(bool code32 = true);

  // More traps than any test needs end a run.
  static constexpr unsigned kMostTraps = 1 << 20;

  // From `entry` until the callback returns false; the last trap's registers are the result.
  static Registers run(const Trap& entry, const std::function<bool(Trap&)>& on_trap);
};

}  // namespace ring1::translator::test
