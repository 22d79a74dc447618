// SPDX-License-Identifier: GPL-2.0-only
#include "emulator/system/stack.h"

#include "base/assert.h"

namespace ring1::emulator {

void Frame::push(uint32_t word) {
  RING1_ASSERT(count_ < kMax);
  words_[count_++] = word;
}

Outcome Frame::write(Sys& sys, const ring1_segment& stack, __u64* sp, unsigned cpl, uint32_t stack_error) const {
  const uint32_t mask = stack_mask(stack);
  const unsigned size = word_size();
  const Privilege privilege = privilege_of(cpl);
  auto address = [&](unsigned index) {
    return static_cast<uint32_t>(stack.base) + ((static_cast<uint32_t>(*sp) - (index + 1) * size) & mask);
  };
  for (unsigned i = 0; i < count_; ++i) {
    const uint32_t offset = (static_cast<uint32_t>(*sp) - (i + 1) * size) & mask;
    if (!within_limit(stack, offset, size)) return sys.raise(Vector::kSs, stack_error);
  }
  // One probe per page is enough: the words of a frame are neighbours unless SP wraps.
  uint32_t probed = 1;  // no page address
  for (unsigned i = 0; i < count_; ++i) {
    const uint32_t first = address(i), last = first + size - 1;
    if ((first & kPageMask) == probed && (last & kPageMask) == probed) continue;
    RING1_TRY(sys.probe(first, size, privilege));
    probed = static_cast<uint32_t>(first & kPageMask);
  }
  for (unsigned i = 0; i < count_; ++i) RING1_TRY(sys.write(address(i), &words_[i], size, privilege, Purpose::kData));
  *sp = with_stack_pointer(*sp, static_cast<uint32_t>(*sp) - count_ * size, mask);
  return Outcome::kDone;
}

FrameReader::FrameReader(Sys& sys, bool wide)
    : sys_(sys), wide_(wide), offset_(static_cast<uint32_t>(sys.cpu.gpr[kRsp])) {}

Outcome FrameReader::pop(uint32_t* word) {
  const ring1_segment& stack = sys_.cpu.seg[kSs];
  const unsigned size = wide_ ? 4 : 2;
  const uint32_t at = offset_ & stack_mask(stack);
  if (!within_limit(stack, at, size)) return sys_.raise(Vector::kSs);
  *word = 0;
  RING1_TRY(
      sys_.read(static_cast<uint32_t>(stack.base + at), word, size, privilege_of(cpl_of(sys_.cpu)), Purpose::kData));
  offset_ += size;
  return Outcome::kDone;
}

void FrameReader::move_stack_pointer() const {
  __u64& rsp = sys_.cpu.gpr[kRsp];
  rsp = with_stack_pointer(rsp, offset_, stack_mask(sys_.cpu.seg[kSs]));
}

}  // namespace ring1::emulator
