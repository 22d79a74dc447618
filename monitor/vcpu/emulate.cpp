// SPDX-License-Identifier: GPL-2.0-only
// Instructions executed one by one in the monitor, and events on their way to the guest's IDT.
#include "monitor/vcpu/engine.h"
#include "monitor/vcpu/vcpu.h"
#include "x86/breakpoints.h"

namespace ring1::monitor {

using emulator::Outcome;

emulator::Event event_of(const ring1_cpu_state& cpu) {
  const ring1_pending_event& event = cpu.event;
  return {.vector = event.vector,
          .is_exception = event.is_exception != 0,
          .is_software = event.is_software != 0,
          .error_code = event.error_code,
          .cr2 = cpu.cr2,
          .has_error = event.has_error != 0};
}

void set_event(ring1_cpu_state& cpu, const emulator::Event& event) {
  cpu.event = {.valid = 1,
               .vector = event.vector,
               .is_exception = event.is_exception,
               .is_software = event.is_software,
               .has_error = event.has_error,
               .error_code = event.error_code};
  if (event.is_exception && event.vector == static_cast<uint8_t>(Vector::kPf)) cpu.cr2 = event.cr2;
}

void Engine::deliver_by_emulator(const emulator::Event& event) {
  vcpu_.host.work(kDeliveryWork);
  Outcome outcome;
  {
    const Machine::Instruction scope(vcpu_.machine);
    outcome = emulator::deliver(cpu_, vcpu_.machine, event);
  }
  // The pushes of a frame may meet breakpoints as well. Those of #DB itself are let pass, or there would be no end.
  const unsigned met = vcpu_.machine.take_breakpoints_met();
  if (event.vector != static_cast<uint8_t>(Vector::kDb)) hold_breakpoints(met);
  if (outcome == Outcome::kBlocked)
    internal_error(KVM_INTERNAL_ERROR_DELIVERY_EV, "an event's delivery met memory that does not exist");
  if (outcome == Outcome::kUnsupported)
    internal_error(KVM_INTERNAL_ERROR_DELIVERY_EV, "an event's delivery in long mode is the processor's");
  attend();
}

void Engine::finish(Outcome outcome, const emulator::Fault& fault, const emulator::Fault* original) {
  switch (outcome) {
    case Outcome::kDone: return;
    case Outcome::kFault:
    case Outcome::kTrap: return deliver(fault);
    case Outcome::kHalt: cpu_.mp_state = RING1_MP_HALTED; return attend();
    case Outcome::kUnsupported:
      // The instruction is one the processor executes by itself (x87, SSE...): what it complained of stands.
      if (original) return deliver(*original);
      return internal_error(KVM_INTERNAL_ERROR_EMULATION, "an instruction the emulator does not know");
    case Outcome::kBlocked:
      return internal_error(KVM_INTERNAL_ERROR_EMULATION, "an instruction touched memory that does not exist");
    case Outcome::kShutdown: return attend();
  }
}

Outcome Engine::step(emulator::Fault* fault, const InstructionBytes* known) {
  constexpr unsigned kRepeats = 256;  // physical interrupts wait as long
  shared_.stats.instructions_emulated++;
  vcpu_.host.work(kStepWork);
  const Machine::Instruction scope(vcpu_.machine);
  if (breakpoint::any(cpu_)) [[unlikely]]
    return step_watched(fault);
  return emulator::step(cpu_, vcpu_.machine, fault, kRepeats, &decoded_, known);
}

// Executes the instruction at cpu_.rip.
void Engine::emulate_one(const emulator::Fault* original, const InstructionBytes* known) {
  emulator::Fault fault{};
  finish(step(&fault, known), fault, original);
  // IF may have become 1, by POPF or IRET, and IRET unblocks NMIs.
  if (vcpu_.devices.take_touched() || interrupt_wanted_ || cpu_.nmi_pending) attend();
}

}  // namespace ring1::monitor
