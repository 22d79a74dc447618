// SPDX-License-Identifier: GPL-2.0-only
// Runs 32-bit code on the real processor from a 64-bit process: pages below 4 GiB, and a far jump to the 32-bit user
// code segment that Linux keeps in its GDT.
#pragma once

#include <cstdint>

namespace ring1::emulator::test {

struct NativeState {
  uint32_t gpr[8];
  uint32_t flags;
  uint32_t rip;  // out: offset of the place where the snippet ended: its length, or kTarget
};

class Native32 {
 public:
  static constexpr uint32_t kCode = 0x20000000, kSnippet = kCode + 0x200, kData = 0x20010000, kDataSize = 4096;
  static constexpr uint32_t kTarget = 64;  // a branch of the snippet may go to kSnippet + kTarget

  Native32();
  ~Native32();
  Native32(const Native32&) = delete;

  bool available() const { return available_; }
  uint8_t* data() const;
  // false: a signal (division error, memory fault) ended the snippet; the state then means nothing.
  bool run(const uint8_t* snippet, unsigned length, NativeState* state);

 private:
  bool available_ = false;
};

}  // namespace ring1::emulator::test
