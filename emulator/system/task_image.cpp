// SPDX-License-Identifier: GPL-2.0-only
#include "emulator/system/task_image.h"

namespace ring1::emulator {

namespace {
constexpr unsigned kChunk = 16;

template <class Word>
Word take(const uint8_t* bytes, uint32_t offset) {
  Word word;
  __builtin_memcpy(&word, bytes + offset, sizeof word);
  return word;
}

template <class Word>
void put(uint8_t* bytes, uint32_t offset, Word word) {
  __builtin_memcpy(bytes + offset, &word, sizeof word);
}

// The bytes a task's registers occupy: EIP to GS, or IP to DS.
struct Extent {
  uint32_t first, end;
};
constexpr Extent saved_extent(bool wide) {
  return wide ? Extent{tss32::kEip, tss32::kLdt} : Extent{tss16::kIp, tss16::kLdt};
}

constexpr unsigned chunk_at(uint32_t offset, uint32_t end) { return end - offset < kChunk ? end - offset : kChunk; }
}  // namespace

Outcome TaskImage::load(Sys& sys, uint64_t base) {
  uint8_t bytes[tss32::kBytes] = {};
  const uint32_t size = wide ? tss32::kBytes : tss16::kBytes;
  for (uint32_t at = 0; at < size; at += kChunk) RING1_TRY(sys.read_system(base + at, bytes + at, chunk_at(at, size)));
  if (wide) {
    cr3 = take<uint32_t>(bytes, tss32::kCr3);
    eip = take<uint32_t>(bytes, tss32::kEip);
    eflags = take<uint32_t>(bytes, tss32::kEflags);
    for (unsigned i = 0; i < 8; ++i) gpr[i] = take<uint32_t>(bytes, tss32::kGprs + 4 * i);
    for (unsigned i = 0; i < kSegmentCount; ++i) segment[i] = take<uint16_t>(bytes, tss32::kSegments + 4 * i);
    ldt = take<uint16_t>(bytes, tss32::kLdt);
    trap = take<uint16_t>(bytes, tss32::kTrap) & 1;
  } else {
    eip = take<uint16_t>(bytes, tss16::kIp);
    eflags = take<uint16_t>(bytes, tss16::kFlags);
    for (unsigned i = 0; i < 8; ++i) gpr[i] = take<uint16_t>(bytes, tss16::kGprs + 2 * i);
    for (unsigned i = kEs; i <= kDs; ++i) segment[i] = take<uint16_t>(bytes, tss16::kSegments + 2 * i);
    ldt = take<uint16_t>(bytes, tss16::kLdt);
  }
  return Outcome::kDone;
}

Outcome probe_task(Sys& sys, const ring1_segment& tr) {
  const Extent extent = saved_extent(is_tss32(tr));
  for (uint32_t at = extent.first; at < extent.end; at += kChunk)
    RING1_TRY(sys.probe(static_cast<uint32_t>(tr.base + at), chunk_at(at, extent.end), Privilege::kSupervisor));
  return Outcome::kDone;
}

Outcome save_task(Sys& sys, const ring1_segment& tr, uint32_t eflags) {
  uint8_t bytes[tss32::kBytes] = {};
  const bool wide = is_tss32(tr);
  const auto eip = static_cast<uint32_t>(sys.cpu.rip);
  if (wide) {
    put(bytes, tss32::kEip, eip);
    put(bytes, tss32::kEflags, eflags);
    for (unsigned i = 0; i < 8; ++i) put(bytes, tss32::kGprs + 4 * i, static_cast<uint32_t>(sys.cpu.gpr[i]));
    for (unsigned i = 0; i < kSegmentCount; ++i) put(bytes, tss32::kSegments + 4 * i, sys.cpu.seg[i].selector);
  } else {
    put(bytes, tss16::kIp, static_cast<uint16_t>(eip));
    put(bytes, tss16::kFlags, static_cast<uint16_t>(eflags));
    for (unsigned i = 0; i < 8; ++i) put(bytes, tss16::kGprs + 2 * i, static_cast<uint16_t>(sys.cpu.gpr[i]));
    for (unsigned i = kEs; i <= kDs; ++i) put(bytes, tss16::kSegments + 2 * i, sys.cpu.seg[i].selector);
  }
  const Extent extent = saved_extent(wide);
  for (uint32_t at = extent.first; at < extent.end; at += kChunk)
    RING1_TRY(sys.write_system(tr.base + at, bytes + at, chunk_at(at, extent.end)));
  return Outcome::kDone;
}

}  // namespace ring1::emulator
