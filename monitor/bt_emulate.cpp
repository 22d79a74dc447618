// SPDX-License-Identifier: GPL-2.0-only
// Instructions executed one by one in the monitor, and events on their way to the guest's IDT.
#include "monitor/monitor.h"
#include "x86/registers.h"

namespace ring1::monitor {

using emulator::Outcome;

void BtEngine::deliver(const emulator::Event& event) {
  if (event.is_exception) shared_.stats.exceptions_injected++;
  const Outcome outcome = emulator::deliver(cpu_, monitor_.machine, event);
  if (outcome == Outcome::kBlocked)
    internal_error(KVM_INTERNAL_ERROR_DELIVERY_EV, "an event's delivery met memory that does not exist");
  attend();
}

void BtEngine::finish(Outcome outcome, const emulator::Fault& fault, const emulator::Fault* original) {
  switch (outcome) {
    case Outcome::kDone:
      return;
    case Outcome::kFault:
    case Outcome::kTrap:
      return deliver(fault);
    case Outcome::kHalt:
      cpu_.mp_state = RING1_MP_HALTED;
      return attend();
    case Outcome::kUnsupported:
      // The instruction is one the processor executes by itself (x87, SSE...): what it complained of stands.
      if (original) return deliver(*original);
      return internal_error(KVM_INTERNAL_ERROR_EMULATION, "an instruction the emulator does not know");
    case Outcome::kBlocked:
      return internal_error(KVM_INTERNAL_ERROR_EMULATION, "an instruction touched memory that does not exist");
    case Outcome::kShutdown:
      return attend();
  }
}

Outcome BtEngine::step(emulator::Fault* fault) {
  constexpr unsigned kRepeats = 256;  // physical interrupts wait as long
  shared_.stats.instructions_emulated++;
  interpreted_++;
  return emulator::step(cpu_, monitor_.machine, fault, kRepeats, &decoded_);
}

// Executes the instruction at cpu_.rip. `original`: the exception that the processor raised for it, if any.
void BtEngine::emulate_one(const emulator::Fault* original) {
  emulator::Fault fault{};
  finish(step(&fault), fault, original);
  // IF may have become 1, by POPF or IRET, and IRET unblocks NMIs.
  if (monitor_.devices.take_touched() || interrupt_wanted_ || cpu_.nmi_pending) attend();
}

// User code with IOPL 3 may change IF by POPF and see it by PUSHF, which the processor at IOPL 0 would get wrong
// silently. What the emulator does not know (x87, SSE...) is none of these: the processor executes that one.
bool BtEngine::interpret_user() {
  emulator::Fault fault{};
  const Outcome outcome = step(&fault);
  if (outcome == Outcome::kUnsupported) {
    enter_direct();
    block_.rflags |= eflags::kTf;
    single_step_ = true;
    return true;
  }
  finish(outcome, fault, nullptr);
  attend();
  return false;
}

// The instruction in the shadow of STI or MOV SS: executed before anything may be delivered.
void BtEngine::step_over_shadow() {
  emulator::Fault fault{};
  const Outcome outcome = step(&fault);
  if (outcome == Outcome::kUnsupported)
    cpu_.shadow = 0;  // one for the processor itself; nothing it does can tell the difference
  else
    finish(outcome, fault, nullptr);
  if (monitor_.devices.take_touched()) attend();
}

}  // namespace ring1::monitor
