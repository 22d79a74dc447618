// SPDX-License-Identifier: GPL-2.0-only
// Exits for the sake of memory: EPT violations and misconfigurations, page faults on shadow page tables.
#include "monitor/hardware.h"
#include "monitor/monitor.h"
#include "monitor/vmx_engine.h"

namespace ring1::monitor {

namespace vmx = hwaccel::vmx;
using shadowmmu::FaultKind;

void VmxEngine::nested_fault() {
  using Fault = decltype(ept_)::Fault;
  const auto access = vmx::EptViolation::of(vmcs_.read(Field::kExitQualification));
  const Gpa gpa(vmcs_.read(Field::kGuestPhysicalAddress));
  block_nmis_again(access.nmi_unblocking);
  const Fault result = ept_.fault(gpa, access.write);
  note_exit(result == Fault::kEmulate ? RING1_EXIT_DEVICE_MEMORY : RING1_EXIT_NESTED_FAULT);
  switch (result) {
    case Fault::kMapped: shared_.stats.hidden_faults++; return;
    case Fault::kEmulate:
      // The next access comes as a misconfiguration. Tables for devices far above the guest's memory are not made.
      if (gpa.raw() < shared_.config.max_gpa) ept_.mark_device(gpa);
      return emulate();
    case Fault::kBlocked:
      to_architectural();
      return internal_error(KVM_INTERNAL_ERROR_EMULATION, "no memory for a page of the guest");
    case Fault::kNoTables:
      to_architectural();
      return internal_error(KVM_INTERNAL_ERROR_EMULATION, "no memory for extended page tables");
  }
}

void VmxEngine::device_fault() {
  const Gpa gpa(vmcs_.read(Field::kGuestPhysicalAddress));
  if (ept_.tables().is_device(gpa)) return emulate();
  to_architectural();
  internal_error(KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON,
                 "extended page tables that the processor does not understand");
}

void VmxEngine::shadow_fault(Gva address, uint32_t error_code) {
  const shadowmmu::FaultResult result = monitor_.mmu.fault(address, error_code);
  switch (result.kind) {
    case FaultKind::kHidden: shared_.stats.hidden_faults++; return;
    case FaultKind::kGuest:
      shared_.stats.true_faults++;
      if (cpu_.event.valid) return emulate();
      to_architectural();
      return deliver(result.fault);
    case FaultKind::kTraced: shared_.stats.trace_faults++; return emulate_traced(result.gpa);
    case FaultKind::kDevice:
    case FaultKind::kHole: return emulate();
    case FaultKind::kBlocked: break;
  }
  to_architectural();
  internal_error(KVM_INTERNAL_ERROR_EMULATION, "no memory for a page of the guest");
}

// A store to a page table, or to read-only memory. One that the emulator does not know (SSE...) is the processor's,
// once nothing depends on the page any more.
void VmxEngine::emulate_traced(Gpa gpa) {
  if (cpu_.event.valid) return emulate();
  to_architectural();
  emulator::Fault fault{};
  const emulator::Outcome outcome = step(&fault);
  if (outcome == emulator::Outcome::kUnsupported && monitor_.mmu.unprotect(gpa.page())) return;
  finish(outcome, fault, nullptr);
  if (monitor_.devices.take_touched() || interrupt_wanted_) attend();
}

}  // namespace ring1::monitor
