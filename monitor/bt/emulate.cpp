// SPDX-License-Identifier: GPL-2.0-only
// Guest code that is interpreted where the processor would get it wrong.
#include "monitor/bt/engine.h"
#include "monitor/vcpu/vcpu.h"
#include "x86/registers.h"

namespace ring1::monitor {

using emulator::Outcome;

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
  if (vcpu_.devices.take_touched()) attend();
}

}  // namespace ring1::monitor
