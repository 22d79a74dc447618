// SPDX-License-Identifier: GPL-2.0-only
// Descriptors as 64-bit words (SDM 3A 3.4.5) to and from segment registers' hidden parts.
#pragma once

#include <cstdint>

#include "include/ring1/cpu_state.h"

namespace ring1::monitor::descriptor {

inline constexpr uint64_t kAccessed = uint64_t{1} << 40;
inline constexpr uint64_t kS = uint64_t{1} << 44;
inline constexpr unsigned kDplShift = 45;
inline constexpr uint64_t kDpl = uint64_t{3} << kDplShift;
inline constexpr uint64_t kPresent = uint64_t{1} << 47;
inline constexpr uint64_t kLong = uint64_t{1} << 53;
inline constexpr uint64_t kBig = uint64_t{1} << 54;  // D/B
inline constexpr uint64_t kGranularity = uint64_t{1} << 55;

// The shadow of a guest descriptor: code and data only, DPL 0 becomes 1, never 64-bit code. One that was never
// accessed is shadowed as not present: the first load faults, is emulated, and sets Accessed where the guest sees it.
constexpr uint64_t shadow_of(uint64_t guest) {
  if (!(guest & kS)) return 0;
  uint64_t shadow = guest & ~kLong;
  if (!(shadow & kDpl)) shadow |= uint64_t{1} << kDplShift;
  return shadow & kAccessed ? shadow : shadow & ~kPresent;
}

constexpr uint64_t pack(const ring1_segment& segment) {
  const uint64_t limit = segment.access & RING1_AR_G ? segment.limit >> 12 : segment.limit;
  const uint64_t access = segment.access & 0xf0ff;
  return (limit & 0xffff) | (segment.base & 0xffffff) << 16 | (access & 0xff) << 40 | (limit >> 16 & 0xf) << 48 |
         (access & 0xf000) << 40 | (segment.base >> 24 & 0xff) << 56;
}

constexpr void unpack(uint64_t guest, uint16_t selector, ring1_segment* segment) {
  const uint32_t access = (guest >> 40 & 0xff) | (guest >> 40 & 0xf000);
  const uint32_t limit = (guest & 0xffff) | (guest >> 32 & 0xf0000);
  segment->selector = selector;
  segment->base = (guest >> 16 & 0xffffff) | (guest >> 32 & 0xff000000);
  segment->limit = access & RING1_AR_G ? limit << 12 | 0xfff : limit;
  segment->access = access;
}

}  // namespace ring1::monitor::descriptor
