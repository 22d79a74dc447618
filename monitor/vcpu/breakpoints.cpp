// SPDX-License-Identifier: GPL-2.0-only
// The guest's breakpoints where instructions are interpreted and events delivered (SDM 3B 17.3.1).
#include "x86/breakpoints.h"

#include "monitor/vcpu/engine.h"
#include "monitor/vcpu/vcpu.h"

namespace ring1::monitor {

using emulator::Outcome;

void Engine::deliver_debug(uint64_t status) {
  breakpoint::report(cpu_, status);
  deliver(emulator::Fault{Vector::kDb, 0, 0});
}

// Data and port breakpoints are traps: the instruction that meets one is executed first. A repeated one stops after
// each iteration.
Outcome Engine::step_watched(emulator::Fault* fault) {
  (void)vcpu_.machine.take_breakpoints_met();
  const Outcome outcome = emulator::step(cpu_, vcpu_.machine, fault, 1, &decoded_);
  if (outcome != Outcome::kDone && outcome != Outcome::kTrap) return outcome;
  hold_breakpoints(vcpu_.machine.take_breakpoints_met());
  // MOV SS and POP SS hold them back for one instruction (SDM 3A 6.8.3).
  if (!breakpoints_held_ || cpu_.shadow == RING1_SHADOW_MOV_SS) return outcome;
  breakpoint::report(cpu_, breakpoints_held_);
  breakpoints_held_ = 0;
  *fault = emulator::Fault{Vector::kDb, 0, 0};
  return Outcome::kTrap;
}

void Engine::hold_breakpoints(unsigned met) {
  if (!met) return;
  breakpoints_held_ |= met;
  attend();
}

// False: delivered.
bool Engine::serve_breakpoints() {
  to_architectural();
  if (cpu_.shadow == RING1_SHADOW_MOV_SS) return true;  // the next step() takes them along
  const unsigned met = breakpoints_held_;
  breakpoints_held_ = 0;
  deliver_debug(met);
  return false;
}

}  // namespace ring1::monitor
