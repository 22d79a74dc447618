// SPDX-License-Identifier: GPL-2.0-only
// Exits for the sake of memory: nested page faults, and page faults on shadow page tables.
#include "monitor/hardware/engine.h"
#include "monitor/vcpu/vcpu.h"

namespace ring1::monitor {

using shadowmmu::FaultKind;

void HardwareEngine::handle(NestedFault fault) {
  note_exit(fault == NestedFault::kEmulate ? RING1_EXIT_DEVICE_MEMORY : RING1_EXIT_NESTED_FAULT);
  switch (fault) {
    case NestedFault::kMapped: shared_.stats.hidden_faults++; return;
    case NestedFault::kEmulate: return emulate();
    case NestedFault::kBlocked:
      to_architectural();
      return internal_error(KVM_INTERNAL_ERROR_EMULATION, "no memory for a page of the guest");
    case NestedFault::kNoTables:
      to_architectural();
      return internal_error(KVM_INTERNAL_ERROR_EMULATION, "no memory for nested page tables");
  }
}

void HardwareEngine::shadow_fault(Gva where, uint32_t error_code) {
  const shadowmmu::FaultResult result = mmu_.fault(where, error_code);
  switch (result.kind) {
    case FaultKind::kHidden: shared_.stats.hidden_faults++; return;
    case FaultKind::kGuest:
      shared_.stats.true_faults++;
      // A fault in the middle of a delivery: the emulator meets it as well, and knows what becomes of both.
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
void HardwareEngine::emulate_traced(Gpa where) {
  if (cpu_.event.valid) return emulate();
  to_architectural();
  const InstructionBytes known = known_instruction();
  emulator::Fault fault{};
  const emulator::Outcome outcome = step(&fault, &known);
  if (outcome == emulator::Outcome::kUnsupported && mmu_.unprotect(where.page())) return;
  finish(outcome, fault, nullptr);
  if (vcpu_.devices.take_touched() || interrupt_wanted_ || cpu_.nmi_pending) attend();
}

bool HardwareEngine::install_directories(uint64_t* pointers) {
  constexpr uint64_t kPresent = 1;  // all that a page-directory pointer of PAE may have
  if (paging_generation_ == mmu_.generation()) return false;
  paging_generation_ = mmu_.generation();
  const Hpa* directories = mmu_.page_directories();
  for (unsigned i = 0; i < 4; i++) pointers[i] = directories[i].raw() | kPresent;
  return true;
}

}  // namespace ring1::monitor
