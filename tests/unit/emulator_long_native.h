// SPDX-License-Identifier: GPL-2.0-only
// Runs 64-bit code on the processor of the test: all registers and flags in and out, data in one of two places.
#pragma once

#include <cstdint>
#include <optional>

#include "snippet_guard.h"

namespace ring1::emulator::test {

struct LongState {
  uint64_t gpr[16];
  uint64_t flags;
  uint64_t rip;  // out: offset of the place where the snippet ended: its length, or kTarget
};

class LongNative {
 public:
  // Below 2 GiB, so that the trampoline reaches its data by 32-bit displacements. kLowData is in reach of the code and
  // of 32-bit addresses, kHighData is not.
  static constexpr uint64_t kCode = 0x30000000, kSnippet = kCode + 0x400, kLowData = 0x30010000,
                            kHighData = 0x7a5500010000, kDataSize = 4096;
  static constexpr uint64_t kTarget = 64;  // a branch of the snippet may go to kSnippet + kTarget

  LongNative();
  ~LongNative();
  LongNative(const LongNative&) = delete;

  bool available() const { return available_; }
  // false: a signal (division error, memory fault) ended the snippet; the state then means nothing.
  [[nodiscard]] bool run(const uint8_t* snippet, unsigned length, LongState* state);
  // The last snippet did not end by itself.
  bool endless() const { return guard_->endless(); }

 private:
  std::optional<ring1::test::SnippetGuard> guard_;
  bool available_ = false;
};

}  // namespace ring1::emulator::test
