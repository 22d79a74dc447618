// SPDX-License-Identifier: GPL-2.0-only
// What every change of CS has in common.
#include "emulator/system/far_transfer.h"
#include "emulator/system/segment_load.h"
#include "emulator/system/task_state.h"

namespace ring1::emulator {

Outcome enter_code_segment(Sys& sys, uint16_t selector, unsigned cpl, Descriptor* code, uint32_t eip) {
  if (eip > code->limit()) return sys.raise(Vector::kGp);
  RING1_TRY(mark_accessed(sys, code));
  sys.cpu.seg[kCs] = segment_of(static_cast<uint16_t>((selector & ~3u) | cpl), *code);
  sys.cpu.rip = eip;
  return Outcome::kDone;
}

// The pair SS:ESP of a level; in an error the TSS' own selector is named (SDM 3A 6.13).
static Outcome read_stack_pointer(Sys& sys, unsigned cpl, uint16_t* selector, uint32_t* sp) {
  const ring1_segment& tr = sys.cpu.tr;
  const bool wide = is_tss32(tr);
  const uint32_t where = wide ? tss32::kStacks + cpl * tss32::kStackBytes : tss16::kStacks + cpl * tss16::kStackBytes;
  const unsigned size = wide ? tss32::kStackBytes : tss16::kStackBytes;
  if ((tr.access & RING1_AR_UNUSABLE) || where + size - 1 > tr.limit)
    return sys.raise_selector(Vector::kTs, tr.selector);
  uint32_t pair[2] = {};
  RING1_TRY(sys.read_system(tr.base + where, pair, size));
  *sp = wide ? pair[0] : pair[0] & 0xffff;
  *selector = static_cast<uint16_t>(wide ? pair[1] : pair[0] >> 16);
  return Outcome::kDone;
}

Outcome inner_stack(Sys& sys, unsigned cpl, ring1_segment* stack, __u64* sp) {
  uint16_t selector;
  uint32_t pointer;
  RING1_TRY(read_stack_pointer(sys, cpl, &selector, &pointer));
  Descriptor descriptor;
  RING1_TRY(check_stack_segment(sys, selector, cpl, Vector::kTs, &descriptor));
  RING1_TRY(mark_accessed(sys, &descriptor));
  *stack = segment_of(selector, descriptor);
  *sp = pointer;
  return Outcome::kDone;
}

}  // namespace ring1::emulator
