// SPDX-License-Identifier: GPL-2.0-only
#include "emulator/system/far_return.h"

#include "emulator/system/far_transfer.h"
#include "emulator/system/segment_load.h"

namespace ring1::emulator {

Outcome check_return_code(Sys& sys, uint16_t selector, Descriptor* code) {
  if (is_null(selector)) return sys.raise(Vector::kGp);
  RING1_TRY(read_descriptor(sys, selector, Vector::kGp, code));
  const unsigned rpl = rpl_of(selector);
  const bool level = code->is_conforming() ? code->dpl() <= rpl : code->dpl() == rpl;
  if (!code->is_code() || rpl < cpl_of(sys.cpu) || !level) return sys.raise_selector(Vector::kGp, selector);
  return code->present() ? Outcome::kDone : sys.raise_selector(Vector::kNp, selector);
}

Outcome enter_outer_level(Sys& sys, OuterTarget& target, unsigned operand_size) {
  const unsigned cpl = rpl_of(target.cs);
  Descriptor stack;
  RING1_TRY(check_stack_segment(sys, target.ss, cpl, Vector::kGp, &stack));
  RING1_TRY(enter_code_segment(sys, target.cs, cpl, &target.code, target.eip));
  RING1_TRY(mark_accessed(sys, &stack));
  sys.cpu.seg[kSs] = segment_of(target.ss, stack);
  // A 16-bit pop or a 16-bit stack leaves the upper half of ESP alone.
  const uint32_t mask = operand_size == 4 ? stack_mask(sys.cpu.seg[kSs]) : 0xffffu;
  sys.cpu.gpr[kRsp] = with_stack_pointer(sys.cpu.gpr[kRsp], target.sp, mask);
  drop_inner_segments(sys.cpu, cpl);
  return Outcome::kDone;
}

Outcome far_return(Sys& sys, unsigned operand_size, uint16_t parameter_bytes) {
  FrameReader frame(sys, operand_size == 4);
  uint32_t eip, cs;
  RING1_TRY(frame.pop(&eip));
  RING1_TRY(frame.pop(&cs));
  frame.skip(parameter_bytes);
  const auto selector = static_cast<uint16_t>(cs);
  if (!protected_of(sys.cpu)) {
    if (eip > sys.cpu.seg[kCs].limit) return sys.raise(Vector::kGp);
    frame.move_stack_pointer();
    if (vm86_of(sys.cpu))
      load_vm86_segment(sys.cpu, kCs, selector);
    else
      load_real_segment(sys.cpu, kCs, selector);
    sys.cpu.rip = eip;
    return Outcome::kDone;
  }
  OuterTarget target{selector, 0, eip, 0, {}};
  RING1_TRY(check_return_code(sys, selector, &target.code));
  const unsigned rpl = rpl_of(selector);
  if (rpl == cpl_of(sys.cpu)) {
    frame.move_stack_pointer();
    return enter_code_segment(sys, selector, rpl, &target.code, eip);
  }
  uint32_t ss;
  RING1_TRY(frame.pop(&target.sp));
  RING1_TRY(frame.pop(&ss));
  target.ss = static_cast<uint16_t>(ss);
  RING1_TRY(enter_outer_level(sys, target, operand_size));
  // The parameters lie on the outer stack as well.
  __u64& rsp = sys.cpu.gpr[kRsp];
  rsp = with_stack_pointer(rsp, static_cast<uint32_t>(rsp) + parameter_bytes, stack_mask(sys.cpu.seg[kSs]));
  return Outcome::kDone;
}

}  // namespace ring1::emulator
