// SPDX-License-Identifier: GPL-2.0-only
// Frames on a guest stack: written and read as a whole, so that a fault in the middle changes nothing.
#pragma once

#include "emulator/system/descriptor.h"

namespace ring1::emulator {

// Words to push, in the order of the pushes.
class Frame {
 public:
  static constexpr unsigned kMax = 40;  // a call gate's 31 parameters, SS, ESP, CS, EIP
  explicit Frame(bool wide) : wide_(wide) {}

  void push(uint32_t word);
  // Writes all words below `sp` in `stack` at the given privilege and moves *sp. `stack_error` is the error code
  // of #SS if the limit is in the way.
  [[nodiscard]] Outcome write(Sys& sys, const ring1_segment& stack, __u64* sp, unsigned cpl,
                              uint32_t stack_error) const;

 private:
  unsigned word_size() const { return wide_ ? 4 : 2; }

  bool wide_;
  unsigned count_ = 0;
  uint32_t words_[kMax];
};

// Pops from SS:ESP without moving ESP until the end.
class FrameReader {
 public:
  FrameReader(Sys& sys, bool wide);

  [[nodiscard]] Outcome pop(uint32_t* word);
  void skip(uint32_t bytes) { offset_ += bytes; }
  void move_stack_pointer() const;  // ESP := what has been popped

 private:
  Sys& sys_;
  bool wide_;
  uint32_t offset_;
};

// ESP or SP, by SS.B.
constexpr uint32_t stack_mask(const ring1_segment& ss) { return (ss.access & RING1_AR_DB) ? 0xffffffffu : 0xffffu; }
constexpr uint64_t with_stack_pointer(uint64_t old, uint32_t sp, uint32_t mask) {
  return (static_cast<uint32_t>(old) & ~mask) | (sp & mask);
}

}  // namespace ring1::emulator
