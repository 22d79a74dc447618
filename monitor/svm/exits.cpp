// SPDX-License-Identifier: GPL-2.0-only
// What the guest exited for.
#include "hwaccel/svm/assist.h"
#include "monitor/world/hardware.h"
#include "monitor/vcpu/vcpu.h"
#include "monitor/svm/engine.h"
#include "x86/breakpoints.h"
#include "x86/registers.h"

namespace ring1::monitor {

using hwaccel::svm::Exit;

void SvmEngine::handle_exit() {
  const hwaccel::svm::VmcbControl& control = vmcb_->control;
  const auto code = static_cast<Exit>(control.exit_code);
  if (code != Exit::kNestedPageFault) note_exit(hwaccel::svm::kind_of(code));
  if (code >= Exit::kException0 && code <= Exit::kException31)
    return exception_exit(static_cast<unsigned>(code) - static_cast<unsigned>(Exit::kException0));
  switch (code) {
    case Exit::kInterrupt: shared_.stats.physical_interrupts++; return physical_interrupt_pending();
    case Exit::kNmi:
    case Exit::kSmi:
    case Exit::kInit: return physical_interrupt_pending();
    case Exit::kVirtualInterrupt: return attend();
    case Exit::kIo: return port_exit();
    case Exit::kIret: return iret_exit();
    case Exit::kInvlpg: return invlpg_exit();
    case Exit::kNestedPageFault:
      return handle(npt_.fault(Gpa(control.exit_info2), control.exit_info1 & hwaccel::svm::nested_fault::kWrite));
    case Exit::kShutdown:
      to_architectural();
      cpu_.shutdown = 1;
      return attend();
    case Exit::kInvalid: return entry_failed(control.exit_code, "the state is not valid");
    default: return instruction_exit();
  }
}

// Executes it on the virtual processor. What that does not know is not offered to the guest.
void SvmEngine::instruction_exit() {
  constexpr emulator::Fault kUndefined{Vector::kUd};
  emulate(&kUndefined);
}

// Of an instruction that the processor has decoded nothing is left but its effect. Not if more than that happens at it.
bool SvmEngine::may_skip() const { return !cpu_.event.valid && !breakpoint::any(cpu_) && !(cpu_.rflags & eflags::kTf); }

void SvmEngine::skip_to(uint64_t next) {
  cpu_.rip = next;
  cpu_.rflags &= ~uint64_t{eflags::kRf};
  cpu_.shadow = 0;
}

void SvmEngine::invlpg_exit() {
  const unsigned distance = hwaccel::svm::next_rip_distance(*vmcb_, features_);
  uint64_t linear;
  if (!distance || !may_skip() || !hwaccel::svm::invlpg_address(*vmcb_, features_, &linear)) return instruction_exit();
  vcpu_.machine.invlpg(Gva(linear));
  skip_to(vmcb_->control.next_rip);
}

// IN and OUT: the processor has checked and decoded them already. What else may happen at one is the emulator's.
void SvmEngine::port_exit() {
  const hwaccel::svm::PortAccess access = hwaccel::svm::decode_port(vmcb_->control.exit_info1);
  if (access.is_string || !may_skip()) return instruction_exit();
  const uint64_t next = vmcb_->control.exit_info2, mask = (uint64_t{1} << access.size * 8) - 1;
  to_architectural();
  // Neither fails: what is no device of ours is user space's.
  if (access.is_in) {
    uint32_t value = 0;
    (void)vcpu_.machine.port_in(access.port, access.size, &value);
    const uint64_t kept = access.size == 4 ? 0 : cpu_.gpr[kRax] & ~mask;
    cpu_.gpr[kRax] = kept | (value & mask);
  } else {
    (void)vcpu_.machine.port_out(access.port, access.size, static_cast<uint32_t>(cpu_.gpr[kRax] & mask));
  }
  skip_to(next);
  if (vcpu_.devices.take_touched()) attend();
}

void SvmEngine::exception_exit(unsigned vector) {
  switch (static_cast<Vector>(vector)) {
    case Vector::kPf:
      return shadow_fault(Gva(vmcb_->control.exit_info2), static_cast<uint32_t>(vmcb_->control.exit_info1));
    case Vector::kMc: return physical_interrupt(vector);
    case Vector::kDb: {
      const uint64_t met = vmcb_->state.dr6 & (breakpoint::kAll | breakpoint::kDr6Bs | breakpoint::kDr6Bt);
      const uint64_t status = without_our_step(met);
      // Bochs 2.7 does not tell what was met.
      if (!status && (met || iret_.stepped)) return;
      to_architectural();
      return deliver_debug(status);
    }
    default:
      to_architectural();
      return deliver(emulator::Fault{static_cast<Vector>(vector), static_cast<uint32_t>(vmcb_->control.exit_info1), 0});
  }
}

}  // namespace ring1::monitor
