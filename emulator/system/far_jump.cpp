// SPDX-License-Identifier: GPL-2.0-only
// Far JMP and CALL.
#include "emulator/system/far_transfer.h"
#include "emulator/system/segment_load.h"
#include "emulator/system/stack.h"
#include "emulator/system/task_switch.h"

namespace ring1::emulator {

namespace {

// Without descriptors: real and virtual-8086 mode.
Outcome plain_transfer(Sys& sys, uint16_t selector, uint32_t offset) {
  if (offset > sys.cpu.seg[kCs].limit) return sys.raise(Vector::kGp);
  if (vm86_of(sys.cpu))
    load_vm86_segment(sys.cpu, kCs, selector);
  else
    load_real_segment(sys.cpu, kCs, selector);
  sys.cpu.rip = offset;
  return Outcome::kDone;
}

// The current CS and RIP on the current stack.
Outcome push_return_address(Sys& sys, unsigned operand_size) {
  Frame frame(operand_size == 4);
  frame.push(sys.cpu.seg[kCs].selector);
  frame.push(static_cast<uint32_t>(sys.cpu.rip));
  return frame.write(sys, sys.cpu.seg[kSs], &sys.cpu.gpr[kRsp], cpl_of(sys.cpu), 0);
}

// A transfer that keeps CPL: RPL counts where no gate was used.
Outcome check_same_level(Sys& sys, uint16_t selector, const Descriptor& code, bool through_gate) {
  const unsigned cpl = cpl_of(sys.cpu);
  if (!code.is_code()) return sys.raise_selector(Vector::kGp, selector);
  const bool allowed =
      code.is_conforming() ? code.dpl() <= cpl : code.dpl() == cpl && (through_gate || rpl_of(selector) <= cpl);
  if (!allowed) return sys.raise_selector(Vector::kGp, selector);
  return code.present() ? Outcome::kDone : sys.raise_selector(Vector::kNp, selector);
}

// May the present code use this gate or TSS?
Outcome check_gate(Sys& sys, uint16_t selector, const Descriptor& gate) {
  if (gate.dpl() < cpl_of(sys.cpu) || gate.dpl() < rpl_of(selector)) return sys.raise_selector(Vector::kGp, selector);
  return gate.present() ? Outcome::kDone : sys.raise_selector(Vector::kNp, selector);
}

struct GateTarget {
  uint16_t selector;
  uint32_t offset;
  bool wide;
  Descriptor code;
};

Outcome open_call_gate(Sys& sys, uint16_t selector, const Descriptor& gate, GateTarget* target) {
  RING1_TRY(check_gate(sys, selector, gate));
  target->selector = gate.gate_selector();
  target->wide = gate.system_type() == SystemType::kCallGate32;
  target->offset = target->wide ? gate.gate_offset() : gate.gate_offset() & 0xffff;
  if (is_null(target->selector)) return sys.raise(Vector::kGp);
  RING1_TRY(read_descriptor(sys, target->selector, Vector::kGp, &target->code));
  if (!target->code.is_code() || target->code.dpl() > cpl_of(sys.cpu))
    return sys.raise_selector(Vector::kGp, target->selector);
  return target->code.present() ? Outcome::kDone : sys.raise_selector(Vector::kNp, target->selector);
}

// SDM 3A 5.8.5: a new stack, the old one's pointer and parameters on it.
Outcome call_inner(Sys& sys, const Descriptor& gate, GateTarget& target) {
  const unsigned cpl = target.code.dpl();
  ring1_segment stack;
  __u64 sp;
  RING1_TRY(inner_stack(sys, cpl, &stack, &sp));
  Frame frame(target.wide);
  frame.push(sys.cpu.seg[kSs].selector);
  frame.push(static_cast<uint32_t>(sys.cpu.gpr[kRsp]));
  FrameReader parameters(sys, target.wide);
  uint32_t words[32];
  const unsigned count = gate.gate_parameters();
  for (unsigned i = 0; i < count; ++i) RING1_TRY(parameters.pop(&words[i]));
  for (unsigned i = count; i-- > 0;) frame.push(words[i]);
  frame.push(sys.cpu.seg[kCs].selector);
  frame.push(static_cast<uint32_t>(sys.cpu.rip));
  RING1_TRY(enter_code_segment(sys, target.selector, cpl, &target.code, target.offset));
  RING1_TRY(frame.write(sys, stack, &sp, cpl, stack.selector & ~3u));
  sys.cpu.seg[kSs] = stack;
  sys.cpu.gpr[kRsp] = sp;
  return Outcome::kDone;
}

Outcome through_call_gate(Sys& sys, uint16_t selector, const Descriptor& gate, bool call) {
  GateTarget target;
  RING1_TRY(open_call_gate(sys, selector, gate, &target));
  const unsigned cpl = cpl_of(sys.cpu);
  if (call && !target.code.is_conforming() && target.code.dpl() < cpl) return call_inner(sys, gate, target);
  RING1_TRY(check_same_level(sys, target.selector, target.code, true));
  const ring1_segment old_code = sys.cpu.seg[kCs];
  const uint64_t old_rip = sys.cpu.rip;
  RING1_TRY(enter_code_segment(sys, target.selector, cpl, &target.code, target.offset));
  if (!call) return Outcome::kDone;
  Frame frame(target.wide);
  frame.push(old_code.selector);
  frame.push(static_cast<uint32_t>(old_rip));
  return frame.write(sys, sys.cpu.seg[kSs], &sys.cpu.gpr[kRsp], cpl, 0);
}

Outcome through_system(Sys& sys, uint16_t selector, const Descriptor& descriptor, bool call) {
  const TaskSwitch reason = call ? TaskSwitch::kCall : TaskSwitch::kJump;
  switch (descriptor.system_type()) {
    case SystemType::kCallGate16:
    case SystemType::kCallGate32: return through_call_gate(sys, selector, descriptor, call);
    case SystemType::kTaskGate:
      RING1_TRY(check_gate(sys, selector, descriptor));
      return task_gate(sys, descriptor, reason);
    case SystemType::kTss16:
    case SystemType::kTss32:
      RING1_TRY(check_gate(sys, selector, descriptor));
      return task_switch(sys, selector, reason);
    default: return sys.raise_selector(Vector::kGp, selector);
  }
}

Outcome transfer(Sys& sys, uint16_t selector, uint32_t offset, unsigned operand_size, bool call) {
  if (operand_size == 2) offset &= 0xffff;
  if (!protected_of(sys.cpu)) {
    if (call)
      RING1_TRY(offset > sys.cpu.seg[kCs].limit ? sys.raise(Vector::kGp) : push_return_address(sys, operand_size));
    return plain_transfer(sys, selector, offset);
  }
  if (is_null(selector)) return sys.raise(Vector::kGp);
  Descriptor descriptor;
  RING1_TRY(read_descriptor(sys, selector, Vector::kGp, &descriptor));
  if (descriptor.is_system()) return through_system(sys, selector, descriptor, call);
  RING1_TRY(check_same_level(sys, selector, descriptor, false));
  if (offset > descriptor.limit()) return sys.raise(Vector::kGp);
  if (call) RING1_TRY(push_return_address(sys, operand_size));
  return enter_code_segment(sys, selector, cpl_of(sys.cpu), &descriptor, offset);
}

}  // namespace

Outcome far_jump(Sys& sys, uint16_t selector, uint32_t offset, unsigned operand_size) {
  return transfer(sys, selector, offset, operand_size, false);
}

Outcome far_call(Sys& sys, uint16_t selector, uint32_t offset, unsigned operand_size) {
  return transfer(sys, selector, offset, operand_size, true);
}

}  // namespace ring1::emulator
