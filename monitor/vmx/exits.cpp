// SPDX-License-Identifier: GPL-2.0-only
// What the guest was left for.
#include "hwaccel/vmx/control.h"
#include "monitor/world/hardware.h"
#include "monitor/vcpu/vcpu.h"
#include "monitor/vmx/engine.h"
#include "x86/breakpoints.h"
#include "x86/registers.h"

namespace ring1::monitor {

namespace vmx = hwaccel::vmx;
namespace interruptibility = hwaccel::vmx::interruptibility;

// Without bringing the state over: the processor has executed nothing, the exit's answer is complete.
void VmxEngine::skip_instruction() {
  const uint64_t next = vmcs_.read(Field::kGuestRip) + vmcs_.read32(Field::kExitInstructionLength);
  const bool code64 = (cpu_.efer & efer::kLma) && (vmcs_.read32(Field::kGuestCsAccess) & RING1_AR_L);
  vmcs_.write(Field::kGuestRip, code64 ? next : static_cast<uint32_t>(next));
  const uint32_t blocked = vmcs_.read32(Field::kGuestInterruptibility);
  constexpr uint32_t kShadow = interruptibility::kSti | interruptibility::kMovSs;
  if (blocked & kShadow) vmcs_.write(Field::kGuestInterruptibility, blocked & ~kShadow);
  if (vmcs_.read(Field::kGuestRflags) & eflags::kTf) vmcs_.write(Field::kGuestPendingDebug, breakpoint::kDr6Bs);
}

// IRET unblocked NMIs and then met a fault: it will be executed again (SDM 3C 28.2.3).
void VmxEngine::block_nmis_again(bool unblocked_by_iret) {
  if (!unblocked_by_iret || cpu_.event.valid || !controls_.virtual_nmis) return;
  vmcs_.write(Field::kGuestInterruptibility, vmcs_.read32(Field::kGuestInterruptibility) | interruptibility::kNmi);
}

void VmxEngine::debug_exit() {
  const uint64_t status =
      vmcs_.read(Field::kExitQualification) & (breakpoint::kAll | breakpoint::kDr6Bs | breakpoint::kDr6Bd);
  to_architectural();
  deliver_debug(status);
}

void VmxEngine::exception_exit() {
  const EventInfo info = EventInfo::of(vmcs_.read32(Field::kExitInterruptionInfo));
  const auto vector = static_cast<Vector>(info.vector);
  if (info.type == vmx::EventType::kNmi || vector == Vector::kMc) return physical_interrupt(info.vector);
  block_nmis_again(info.nmi_unblocking && vector != Vector::kDf);
  const uint32_t error = info.has_error ? vmcs_.read32(Field::kExitErrorCode) : 0;
  if (vector == Vector::kPf) return shadow_fault(Gva(vmcs_.read(Field::kExitQualification)), error);
  // A fault on the way of another event: the whole delivery anew, with what table 6-5 of SDM 3A makes of the two.
  if (cpu_.event.valid) return emulate();
  if (vector == Vector::kDb) return debug_exit();
  to_architectural();
  deliver(emulator::Fault{vector, error, 0});
}

void VmxEngine::task_switch_exit() { emulate(); }

void VmxEngine::cpuid_exit() {
  uint32_t out[4];
  // CPUID shows CR4.OSXSAVE, which the guest cannot change without an exit.
  vcpu_.machine.cpuid(static_cast<uint32_t>(cpu_.gpr[kRax]), static_cast<uint32_t>(cpu_.gpr[kRcx]), out);
  cpu_.gpr[kRax] = out[0];
  cpu_.gpr[kRbx] = out[1];
  cpu_.gpr[kRcx] = out[2];
  cpu_.gpr[kRdx] = out[3];
  skip_instruction();
}

void VmxEngine::invlpg_exit() {
  vcpu_.machine.invlpg(Gva(vmcs_.read(Field::kExitQualification)));
  skip_instruction();
}

void VmxEngine::nested_fault() {
  const auto access = vmx::EptViolation::of(vmcs_.read(Field::kExitQualification));
  const Gpa gpa(vmcs_.read(Field::kGuestPhysicalAddress));
  block_nmis_again(access.nmi_unblocking);
  const NestedFault fault = ept_.fault(gpa, access.write);
  // The next access comes as a misconfiguration. Tables for devices far above the guest's memory are not made.
  if (fault == NestedFault::kEmulate && gpa.raw() < shared_.config.max_gpa) ept_.mark_device(gpa);
  handle(fault);
}

void VmxEngine::device_fault() {
  const Gpa gpa(vmcs_.read(Field::kGuestPhysicalAddress));
  if (ept_.tables().is_device(gpa)) return emulate();
  to_architectural();
  internal_error(KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON,
                 "extended page tables that the processor does not understand");
}

void VmxEngine::undefined_instruction() {
  to_architectural();
  deliver(emulator::Fault{Vector::kUd, 0, 0});
}

void VmxEngine::handle_exit(uint32_t reason) {
  if (vmx::reason_of(reason) != ExitReason::kEptViolation)
    note_exit(vmx::kind_of(vmx::reason_of(reason), EventInfo::of(vmcs_.read32(Field::kExitInterruptionInfo))));
  switch (vmx::reason_of(reason)) {
    case ExitReason::kException: return exception_exit();
    case ExitReason::kExternalInterrupt: shared_.stats.physical_interrupts++; return physical_interrupt_pending();
    case ExitReason::kTripleFault:
      to_architectural();
      cpu_.shutdown = 1;
      return attend();
    case ExitReason::kInterruptWindow:
      // Without virtual NMIs this is the sign that a handler has come to its end.
      if (!controls_.virtual_nmis) cpu_.nmi_blocked = 0;
      return attend();
    case ExitReason::kNmiWindow: cpu_.nmi_blocked = 0; return attend();
    case ExitReason::kTaskSwitch: return task_switch_exit();
    case ExitReason::kCpuid: return cpuid_exit();
    case ExitReason::kInvlpg: return invlpg_exit();
    case ExitReason::kEptViolation: return nested_fault();
    case ExitReason::kEptMisconfiguration: return device_fault();
    // What the guest's CPUID does not offer.
    case ExitReason::kVmclear:
    case ExitReason::kVmlaunch:
    case ExitReason::kVmptrld:
    case ExitReason::kVmptrst:
    case ExitReason::kVmread:
    case ExitReason::kVmresume:
    case ExitReason::kVmwrite:
    case ExitReason::kVmxoff:
    case ExitReason::kVmxon:
    case ExitReason::kInvept:
    case ExitReason::kInvvpid:
    case ExitReason::kMonitor:
    case ExitReason::kMwait:
    case ExitReason::kXsetbv:
    case ExitReason::kGetsec: return undefined_instruction();
    case ExitReason::kVmcall:
    case ExitReason::kHlt:
    case ExitReason::kInvd:
    case ExitReason::kWbinvd:
    case ExitReason::kRdpmc:
    case ExitReason::kRdtsc:
    case ExitReason::kCrAccess:
    case ExitReason::kMovDr:
    case ExitReason::kIo:
    case ExitReason::kRdmsr:
    case ExitReason::kWrmsr: return emulate();
    default:
      to_architectural();
      vcpu_.log.line("exit %u (%s)", reason, vmx::name_of(vmx::reason_of(reason)));
      return internal_error(KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON, "an exit that was not asked for");
  }
}

}  // namespace ring1::monitor
