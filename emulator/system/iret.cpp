// SPDX-License-Identifier: GPL-2.0-only
// IRET (SDM 2A).
#include "emulator/system/far_return.h"
#include "emulator/system/far_transfer.h"
#include "emulator/system/segment_load.h"
#include "emulator/system/task_state.h"
#include "emulator/system/task_switch.h"

namespace ring1::emulator {

namespace {

constexpr uint32_t kAlways = eflags::kArithmetic | eflags::kTf | eflags::kDf | eflags::kNt;
constexpr uint32_t kWideOnly = eflags::kRf | eflags::kAc | eflags::kId;
constexpr uint32_t kVirtual = eflags::kVm | eflags::kVif | eflags::kVip;

void merge_flags(ring1_cpu_state& cpu, uint32_t value, uint32_t mask) {
  cpu.rflags = (static_cast<uint32_t>(cpu.rflags) & ~mask) | (value & mask) | eflags::kFixed1;
}

// What IRET may change in protected mode, by the CPL it is executed at.
uint32_t protected_mask(const ring1_cpu_state& cpu, unsigned operand_size) {
  uint32_t mask = kAlways;
  if (operand_size == 4) mask |= kWideOnly;
  if (cpl_of(cpu) <= iopl_of(cpu)) mask |= eflags::kIf;
  if (cpl_of(cpu) == 0) mask |= eflags::kIopl | (operand_size == 4 ? eflags::kVif | eflags::kVip : 0);
  return mask;
}

Outcome task_return(Sys& sys) {
  uint16_t link;
  const ring1_segment& tr = sys.cpu.tr;
  if ((tr.access & RING1_AR_UNUSABLE) || tr.limit < 1) return sys.raise_selector(Vector::kTs, tr.selector);
  RING1_TRY(sys.read_system(tr.base + tss32::kLink, &link, sizeof link));
  return task_switch(sys, link, TaskSwitch::kReturn);
}

Outcome real_return(Sys& sys, unsigned operand_size) {
  if (vm86_of(sys.cpu) && iopl_of(sys.cpu) < 3) return sys.raise(Vector::kGp);
  FrameReader frame(sys, operand_size == 4);
  uint32_t eip, cs, flags;
  RING1_TRY(frame.pop(&eip));
  RING1_TRY(frame.pop(&cs));
  RING1_TRY(frame.pop(&flags));
  if (eip > sys.cpu.seg[kCs].limit) return sys.raise(Vector::kGp);
  frame.move_stack_pointer();
  const auto selector = static_cast<uint16_t>(cs);
  uint32_t mask = kAlways | eflags::kIf | (operand_size == 4 ? kWideOnly : 0);
  if (vm86_of(sys.cpu)) {
    load_vm86_segment(sys.cpu, kCs, selector);
  } else {
    mask |= eflags::kIopl;
    load_real_segment(sys.cpu, kCs, selector);
  }
  merge_flags(sys.cpu, flags, mask);
  sys.cpu.rip = eip;
  return Outcome::kDone;
}

// SDM 3B 20.2.5: the whole virtual-8086 context lies on the ring-0 stack.
Outcome return_to_vm86(Sys& sys, FrameReader& frame, uint32_t eip, uint16_t cs, uint32_t flags) {
  constexpr SegmentRegister kOrder[] = {kSs, kEs, kDs, kFs, kGs};
  uint32_t esp, selectors[5];
  RING1_TRY(frame.pop(&esp));
  for (uint32_t& selector : selectors) RING1_TRY(frame.pop(&selector));
  if (eip > 0xffff) return sys.raise(Vector::kGp);
  const uint32_t mask = kAlways | kWideOnly | kVirtual | eflags::kIf | eflags::kIopl;
  merge_flags(sys.cpu, flags, mask);
  for (unsigned i = 0; i < 5; ++i) load_vm86_segment(sys.cpu, kOrder[i], static_cast<uint16_t>(selectors[i]));
  load_vm86_segment(sys.cpu, kCs, cs);
  sys.cpu.gpr[kRsp] = esp;
  sys.cpu.rip = eip;
  return Outcome::kDone;
}

Outcome protected_return(Sys& sys, unsigned operand_size) {
  FrameReader frame(sys, operand_size == 4);
  uint32_t eip, cs, flags;
  RING1_TRY(frame.pop(&eip));
  RING1_TRY(frame.pop(&cs));
  RING1_TRY(frame.pop(&flags));
  const auto selector = static_cast<uint16_t>(cs);
  if (operand_size == 4 && (flags & eflags::kVm) && cpl_of(sys.cpu) == 0)
    return return_to_vm86(sys, frame, eip, selector, flags);

  const uint32_t mask = protected_mask(sys.cpu, operand_size);
  OuterTarget target{selector, 0, eip, 0, {}};
  RING1_TRY(check_return_code(sys, selector, &target.code));
  const unsigned rpl = rpl_of(selector);
  if (rpl == cpl_of(sys.cpu)) {
    frame.move_stack_pointer();
    RING1_TRY(enter_code_segment(sys, selector, rpl, &target.code, eip));
  } else {
    uint32_t ss;
    RING1_TRY(frame.pop(&target.sp));
    RING1_TRY(frame.pop(&ss));
    target.ss = static_cast<uint16_t>(ss);
    RING1_TRY(enter_outer_level(sys, target, operand_size));
  }
  merge_flags(sys.cpu, flags, mask);
  return Outcome::kDone;
}

}  // namespace

Outcome interrupt_return(Sys& sys, unsigned operand_size) {
  Outcome outcome;
  if (!protected_of(sys.cpu))
    outcome = real_return(sys, operand_size);
  else if (sys.cpu.rflags & eflags::kNt)
    outcome = task_return(sys);
  else
    outcome = protected_return(sys, operand_size);
  if (outcome == Outcome::kDone || outcome == Outcome::kTrap) sys.cpu.nmi_blocked = 0;  // SDM 3A 6.7.1
  return outcome;
}

}  // namespace ring1::emulator
