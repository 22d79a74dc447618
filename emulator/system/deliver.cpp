// SPDX-License-Identifier: GPL-2.0-only
// SDM 3A 6.12 and 6.14 (protected mode), 3B 20.1.4 (real mode), 3B 20.3 (virtual-8086 mode).
#include "emulator/system/deliver.h"

#include "emulator/system/far_transfer.h"
#include "emulator/system/segment_load.h"
#include "emulator/system/stack.h"
#include "emulator/system/task_state.h"
#include "emulator/system/task_switch.h"

namespace ring1::emulator {

namespace {

constexpr uint32_t kIdtBit = 2;  // of an error code: the index names a gate of the IDT
constexpr unsigned kNmiVector = 2;

Outcome deliver_real(Sys& sys, const Event& event) {
  ring1_cpu_state& cpu = sys.cpu;
  const uint32_t where = uint32_t{event.vector} * 4;
  if (where + 3 > cpu.idtr.limit) return sys.raise(Vector::kGp);
  uint16_t target[2];
  RING1_TRY(sys.read_system(cpu.idtr.base + where, target, sizeof target));
  Frame frame(false);
  frame.push(static_cast<uint32_t>(cpu.rflags));
  frame.push(cpu.seg[kCs].selector);
  frame.push(static_cast<uint32_t>(cpu.rip));
  RING1_TRY(frame.write(sys, cpu.seg[kSs], &cpu.gpr[kRsp], 0, 0));
  cpu.rflags &= ~uint64_t{eflags::kIf | eflags::kTf | eflags::kAc | eflags::kRf};
  load_real_segment(cpu, kCs, target[1]);
  cpu.rip = target[0];
  return Outcome::kDone;
}

Outcome read_gate(Sys& sys, const Event& event, Descriptor* gate) {
  const uint32_t where = uint32_t{event.vector} * 8, error = where + kIdtBit;
  if (where + 7 > sys.cpu.idtr.limit) return sys.raise(Vector::kGp, error);
  uint32_t words[2];
  RING1_TRY(sys.read_system(sys.cpu.idtr.base + where, words, sizeof words));
  gate->low = words[0];
  gate->high = words[1];
  switch (gate->is_system() ? gate->system_type() : SystemType{0}) {
    case SystemType::kTaskGate:
    case SystemType::kInterruptGate16:
    case SystemType::kTrapGate16:
    case SystemType::kInterruptGate32:
    case SystemType::kTrapGate32: break;
    default: return sys.raise(Vector::kGp, error);
  }
  if (event.is_software && gate->dpl() < cpl_of(sys.cpu)) return sys.raise(Vector::kGp, error);
  return gate->present() ? Outcome::kDone : sys.raise(Vector::kNp, error);
}

Outcome through_task_gate(Sys& sys, const Event& event, const Descriptor& gate) {
  sys.cpu.rflags = flags_to_push(sys.cpu, event);
  const Outcome switched = task_gate(sys, gate, TaskSwitch::kEvent);
  if (switched != Outcome::kDone && switched != Outcome::kTrap) return switched;
  if (event.has_error) {
    Frame frame(is_tss32(sys.cpu.tr));
    frame.push(event.error_code);
    RING1_TRY(frame.write(sys, sys.cpu.seg[kSs], &sys.cpu.gpr[kRsp], cpl_of(sys.cpu), 0));
  }
  return switched;
}

// The handler's code segment and the level it runs at.
Outcome check_handler(Sys& sys, uint16_t selector, Descriptor* code, unsigned* cpl) {
  if (is_null(selector)) return sys.raise(Vector::kGp);
  RING1_TRY(read_descriptor(sys, selector, Vector::kGp, code));
  const unsigned current = cpl_of(sys.cpu);
  if (!code->is_code() || code->dpl() > current) return sys.raise_selector(Vector::kGp, selector);
  if (!code->present()) return sys.raise_selector(Vector::kNp, selector);
  *cpl = code->is_conforming() ? current : code->dpl();
  // Virtual-8086 mode is left for ring 0 only.
  if (vm86_of(sys.cpu) && *cpl != 0) return sys.raise_selector(Vector::kGp, selector);
  return Outcome::kDone;
}

// GS FS DS ES of virtual-8086 mode are saved above the ordinary frame, and become null.
void leave_vm86(ring1_cpu_state& cpu, Frame& frame) {
  constexpr SegmentRegister kOrder[] = {kGs, kFs, kDs, kEs};
  for (SegmentRegister which : kOrder) {
    frame.push(cpu.seg[which].selector);
    cpu.seg[which] = null_segment(0);
  }
}

Outcome through_gate(Sys& sys, const Event& event, const Descriptor& gate) {
  ring1_cpu_state& cpu = sys.cpu;
  const SystemType type = gate.system_type();
  const bool wide = type == SystemType::kInterruptGate32 || type == SystemType::kTrapGate32;
  const bool masks = type == SystemType::kInterruptGate32 || type == SystemType::kInterruptGate16;
  const uint16_t selector = gate.gate_selector();
  Descriptor code;
  unsigned cpl;
  RING1_TRY(check_handler(sys, selector, &code, &cpl));

  Frame frame(wide);
  ring1_segment stack = cpu.seg[kSs];
  __u64 sp = cpu.gpr[kRsp];
  uint32_t stack_error = 0;
  const uint32_t flags = flags_to_push(cpu, event);
  if (cpl != cpl_of(cpu)) {
    RING1_TRY(inner_stack(sys, cpl, &stack, &sp));
    stack_error = stack.selector & ~3u;
    if (vm86_of(cpu)) leave_vm86(cpu, frame);
    frame.push(cpu.seg[kSs].selector);
    frame.push(static_cast<uint32_t>(cpu.gpr[kRsp]));
  }
  frame.push(flags);
  frame.push(cpu.seg[kCs].selector);
  frame.push(static_cast<uint32_t>(cpu.rip));
  if (event.has_error) frame.push(event.error_code);

  const uint32_t offset = wide ? gate.gate_offset() : gate.gate_offset() & 0xffff;
  RING1_TRY(enter_code_segment(sys, selector, cpl, &code, offset));
  RING1_TRY(frame.write(sys, stack, &sp, cpl, stack_error));
  cpu.seg[kSs] = stack;
  cpu.gpr[kRsp] = sp;
  cpu.rflags &= ~uint64_t{eflags::kTf | eflags::kNt | eflags::kRf | eflags::kVm};
  if (masks) cpu.rflags &= ~uint64_t{eflags::kIf};
  return Outcome::kDone;
}

}  // namespace

uint32_t flags_to_push(const ring1_cpu_state& cpu, const Event& event) {
  const auto flags = static_cast<uint32_t>(cpu.rflags);
  if (!event.is_exception || event.is_software) return flags;
  switch (static_cast<Vector>(event.vector)) {
    case Vector::kDb:
    case Vector::kNmi:
    case Vector::kBp:
    case Vector::kOf:
    case Vector::kDf:
    case Vector::kMc: return flags;
    default: return flags | eflags::kRf;
  }
}

Outcome deliver_once(Sys& sys, const Event& event) {
  Outcome outcome;
  if (real_mode_of(sys.cpu)) {
    outcome = deliver_real(sys, event);
  } else {
    Descriptor gate;
    RING1_TRY(read_gate(sys, event, &gate));
    outcome =
        gate.is_system(SystemType::kTaskGate) ? through_task_gate(sys, event, gate) : through_gate(sys, event, gate);
  }
  if (outcome == Outcome::kDone || outcome == Outcome::kTrap) {
    sys.cpu.shadow = 0;
    if (event.vector == kNmiVector && !event.is_exception && !event.is_software) sys.cpu.nmi_blocked = 1;
  }
  return outcome;
}

}  // namespace ring1::emulator
