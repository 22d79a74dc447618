// SPDX-License-Identifier: GPL-2.0-only
#include "emulator/system/segment_load.h"

namespace ring1::emulator {

namespace {
constexpr uint32_t kRealData = RING1_AR_P | RING1_AR_S | RING1_AR_WRITABLE | RING1_AR_ACCESSED;
constexpr uint32_t kVm86Access = kRealData | RING1_AR_DPL_MASK;
constexpr uint32_t kRealLimit = 0xffff;
}  // namespace

void load_real_segment(ring1_cpu_state& cpu, SegmentRegister which, uint16_t selector) {
  ring1_segment& segment = cpu.seg[which];
  segment.selector = selector;
  segment.base = uint32_t{selector} << 4;
  if (segment.access & RING1_AR_UNUSABLE) {
    segment.access = kRealData;
    segment.limit = kRealLimit;
  } else if (which == kCs) {
    // A far jump after PE was cleared makes code writable; the size bit and the limit survive.
    segment.access = kRealData | (segment.access & (RING1_AR_DB | RING1_AR_G));
  }
}

void load_vm86_segment(ring1_cpu_state& cpu, SegmentRegister which, uint16_t selector) {
  ring1_segment& segment = cpu.seg[which];
  segment = ring1_segment{};
  segment.selector = selector;
  segment.base = uint32_t{selector} << 4;
  segment.limit = kRealLimit;
  segment.access = kVm86Access;
}

Outcome load_data_segment(Sys& sys, SegmentRegister which, uint16_t selector, Vector invalid) {
  if (is_null(selector)) {
    sys.cpu.seg[which] = null_segment(selector);
    return Outcome::kDone;
  }
  Descriptor descriptor;
  RING1_TRY(read_descriptor(sys, selector, invalid, &descriptor));
  if (!descriptor.is_readable()) return sys.raise_selector(invalid, selector);
  if (!descriptor.is_conforming() && (rpl_of(selector) > descriptor.dpl() || cpl_of(sys.cpu) > descriptor.dpl()))
    return sys.raise_selector(invalid, selector);
  if (!descriptor.present()) return sys.raise_selector(Vector::kNp, selector);
  RING1_TRY(mark_accessed(sys, &descriptor));
  sys.cpu.seg[which] = segment_of(selector, descriptor);
  return Outcome::kDone;
}

Outcome check_stack_segment(Sys& sys, uint16_t selector, unsigned cpl, Vector invalid, Descriptor* descriptor) {
  if (is_null(selector)) return sys.raise(invalid);
  RING1_TRY(read_descriptor(sys, selector, invalid, descriptor));
  if (rpl_of(selector) != cpl || !descriptor->is_writable_data() || descriptor->dpl() != cpl)
    return sys.raise_selector(invalid, selector);
  if (!descriptor->present()) return sys.raise_selector(Vector::kSs, selector);
  return Outcome::kDone;
}

Outcome load_stack_segment(Sys& sys, uint16_t selector, unsigned cpl, Vector invalid) {
  Descriptor descriptor;
  RING1_TRY(check_stack_segment(sys, selector, cpl, invalid, &descriptor));
  RING1_TRY(mark_accessed(sys, &descriptor));
  sys.cpu.seg[kSs] = segment_of(selector, descriptor);
  return Outcome::kDone;
}

Outcome load_segment(Sys& sys, SegmentRegister which, uint16_t selector) {
  if (real_mode_of(sys.cpu)) {
    load_real_segment(sys.cpu, which, selector);
    return Outcome::kDone;
  }
  if (vm86_of(sys.cpu)) {
    load_vm86_segment(sys.cpu, which, selector);
    return Outcome::kDone;
  }
  if (which == kSs) return load_stack_segment(sys, selector, cpl_of(sys.cpu), Vector::kGp);
  return load_data_segment(sys, which, selector, Vector::kGp);
}

void drop_inner_segments(ring1_cpu_state& cpu, unsigned cpl) {
  for (SegmentRegister which : kDataSegments) {
    const ring1_segment& segment = cpu.seg[which];
    if (segment.access & RING1_AR_UNUSABLE) continue;
    constexpr uint32_t kConforming = RING1_AR_CODE | RING1_AR_DOWN;
    if ((segment.access & kConforming) == kConforming) continue;
    if (((segment.access & RING1_AR_DPL_MASK) >> RING1_AR_DPL_SHIFT) < cpl) cpu.seg[which] = null_segment(0);
  }
}

}  // namespace ring1::emulator
