// SPDX-License-Identifier: GPL-2.0-only
// Runs 32-bit and 16-bit code on the real processor from a 64-bit process: pages below 4 GiB, and a far jump
// to the 32-bit user code segment that Linux keeps in its GDT; 16-bit segments come from modify_ldt().
#pragma once

#include <cstdint>
#include <optional>

#include "snippet_guard.h"

namespace ring1::emulator::test {

struct NativeState {
  uint32_t gpr[8];
  uint32_t flags;
  uint32_t rip;  // out: offset of the place where the snippet ended: its length, or kTarget
};

// Flat segments of 4 GiB, or 16-bit segments: code at kCode, data and stack at kData with its size as the
// limit.
enum class CodeSize { k32, k16 };

class Native {
 public:
  static constexpr uint32_t kCode = 0x20000000, kSnippet = kCode + 0x200, kData = 0x20010000, kDataSize = 4096;
  static constexpr uint32_t kTarget = 64;  // a branch of the snippet may go to kSnippet + kTarget

  Native();
  ~Native();
  Native(const Native&) = delete;

  bool available(CodeSize size) const { return size == CodeSize::k32 ? available32_ : available16_; }
  uint8_t* data() const;
  // The last snippet did not end by itself.
  bool endless() const { return guard_->endless(); }
  // false: a signal (division error, memory fault) ended the snippet; the state then means nothing.
  [[nodiscard]] bool run(CodeSize size, const uint8_t* snippet, unsigned length, NativeState* state);

 private:
  std::optional<ring1::test::SnippetGuard> guard_;
  bool available32_ = false, available16_ = false;
};

}  // namespace ring1::emulator::test
