// SPDX-License-Identifier: GPL-2.0-only
#include "emulator/system/descriptor.h"

namespace ring1::emulator {

uint32_t Descriptor::limit() const {
  const uint32_t raw = (low & 0xffff) | (high & 0x000f0000);
  return (high & (1u << 23)) ? (raw << 12) | 0xfff : raw;
}

Outcome find_descriptor(Sys& sys, uint16_t selector, bool* found, Descriptor* descriptor) {
  *found = false;
  if (is_null(selector)) return Outcome::kDone;
  uint64_t base = sys.cpu.gdtr.base;
  uint32_t limit = sys.cpu.gdtr.limit;
  if (is_local(selector)) {
    if (sys.cpu.ldtr.access & RING1_AR_UNUSABLE) return Outcome::kDone;
    base = sys.cpu.ldtr.base;
    limit = sys.cpu.ldtr.limit;
  }
  const uint32_t offset = selector & ~7u;
  if (offset + 7 > limit) return Outcome::kDone;
  uint32_t words[2];
  RING1_TRY(sys.read_system(base + offset, words, sizeof words));
  descriptor->low = words[0];
  descriptor->high = words[1];
  descriptor->where = base + offset;
  *found = true;
  return Outcome::kDone;
}

Outcome read_descriptor(Sys& sys, uint16_t selector, Vector outside, Descriptor* descriptor) {
  bool found;
  RING1_TRY(find_descriptor(sys, selector, &found, descriptor));
  return found ? Outcome::kDone : sys.raise_selector(outside, selector);
}

// Type and DPL byte of a descriptor.
static Outcome write_type_byte(Sys& sys, const Descriptor& descriptor) {
  const uint8_t byte = static_cast<uint8_t>(descriptor.high >> 8);
  return sys.write_system(descriptor.where + 5, &byte, 1);
}

Outcome mark_accessed(Sys& sys, Descriptor* descriptor) {
  constexpr uint32_t kAccessed = RING1_AR_ACCESSED << 8;
  if (descriptor->high & kAccessed) return Outcome::kDone;
  descriptor->high |= kAccessed;
  return write_type_byte(sys, *descriptor);
}

Outcome mark_busy(Sys& sys, Descriptor* descriptor, bool busy) {
  constexpr uint32_t kBusy = kTssBusy << 8;
  descriptor->high = busy ? descriptor->high | kBusy : descriptor->high & ~kBusy;
  return write_type_byte(sys, *descriptor);
}

ring1_segment segment_of(uint16_t selector, const Descriptor& descriptor) {
  ring1_segment segment{};
  segment.selector = selector;
  segment.base = descriptor.base();
  segment.limit = descriptor.limit();
  segment.access = descriptor.access();
  return segment;
}

ring1_segment null_segment(uint16_t selector) {
  ring1_segment segment{};
  segment.selector = selector;
  segment.access = RING1_AR_UNUSABLE;
  return segment;
}

bool within_limit(const ring1_segment& segment, uint32_t offset, unsigned size) {
  if (segment.limit == 0xffffffffu && !(segment.access & RING1_AR_DOWN)) return true;  // wraps at 4 GiB
  const uint64_t last = uint64_t{offset} + size - 1;
  constexpr uint32_t kKind = RING1_AR_CODE | RING1_AR_DOWN;
  if ((segment.access & kKind) != RING1_AR_DOWN) return last <= segment.limit;
  const uint64_t top = (segment.access & RING1_AR_DB) ? 0xffffffffu : 0xffffu;
  return offset > segment.limit && last <= top;
}

}  // namespace ring1::emulator
