// SPDX-License-Identifier: GPL-2.0-only
// One entry into the guest and what has to be in place for it (SDM 3C 27).
#include "base/assert.h"
#include "hwaccel/vmx/control.h"
#include "monitor/world/hardware.h"
#include "monitor/vcpu/vcpu.h"
#include "monitor/vmx/engine.h"
#include "monitor/vmx/instructions.h"
#include "x86/breakpoints.h"
#include "x86/registers.h"

// entry.S
extern "C" uint64_t ring1_vmx_enter(__u64* gpr, ring1_switch* page, uint64_t launched);

namespace ring1::monitor {

namespace vmx = hwaccel::vmx;
namespace processor = hwaccel::vmx::processor;

namespace {

enum Entered : uint64_t { kRan, kFailed, kAborted };

constexpr uint32_t kMovSsBlocking = vmx::interruptibility::kMovSs, kStiBlocking = vmx::interruptibility::kSti;

vmx::EventInfo info_of(const ring1_pending_event& event, bool protected_mode) {
  const auto vector = static_cast<Vector>(event.vector);
  if (!event.is_exception)
    return {.valid = true,
            .type = vector == Vector::kNmi ? vmx::EventType::kNmi : vmx::EventType::kExternal,
            .vector = event.vector};
  // INT3 and INTO, too: as software events they would want the length of an instruction that lies behind already.
  return {.valid = true,
          .has_error = pushes_error_code(vector) && protected_mode,
          .type = vmx::EventType::kHardwareException,
          .vector = event.vector};
}

}  // namespace

// The event in ring1_cpu_state goes in with this entry.
void VmxEngine::write_event() {
  if (!cpu_.event.valid) return;
  const EventInfo info = info_of(cpu_.event, cpu_.cr0 & cr0::kPe);
  vmcs_.write(Field::kEntryInterruptionInfo, info.field());
  if (info.has_error) vmcs_.write(Field::kEntryErrorCode, cpu_.event.error_code & 0x7fff);
  // An event that is delivered ends a shadow; an NMI begins its own blocking.
  uint32_t blocked = vmcs_.read32(Field::kGuestInterruptibility) & ~(kMovSsBlocking | kStiBlocking);
  if (info.type == vmx::EventType::kNmi) blocked &= ~vmx::interruptibility::kNmi;
  vmcs_.write(Field::kGuestInterruptibility, blocked);
}

void VmxEngine::write_dynamic_controls() {
  const bool nmi_waits = cpu_.nmi_pending && cpu_.nmi_blocked;
  const bool nmi_window = nmi_window_wanted_ || (nmi_waits && controls_.virtual_nmis);
  const bool window = window_wanted_ || interrupt_waiting_ || (nmi_waits && !controls_.virtual_nmis);
  const bool cr3_exits = unpaged_on_identity();
  const uint32_t wanted = controls_.processor | (window ? processor::kInterruptWindow : 0) |
                          (nmi_window ? processor::kNmiWindow : 0) | processor::kMovDr |
                          (cr3_exits ? processor::kCr3Load | processor::kCr3Store : 0);
  if (wanted != processor_controls_) vmcs_.write(Field::kProcessorControls, processor_controls_ = wanted);
}

// On a processor that this virtual one comes to, its TLB may still hold what was true when it was here before.
void VmxEngine::flush_before_entry(bool moved) {
  using vmx_instructions::Descriptor;
  bool done = true;
  if (controls_.ept && (flush_nested_ || moved)) {
    const vmx::InveptScope scope = vmx::invept_scope(ept_vpid_);
    done &= vmx_instructions::invept(static_cast<uint64_t>(scope),
                                     Descriptor{ept_.root().raw() | controls_.ept_pointer_bits, 0});
  }
  // Without VPID each entry and exit flushes all linear translations.
  if (vpid_ && (flush_linear_ || moved)) {
    const vmx::InvvpidScope scope = vmx::invvpid_scope(ept_vpid_, false);
    done &= vmx_instructions::invvpid(static_cast<uint64_t>(scope), Descriptor{vpid_, 0});
  }
  RING1_ASSERT(done);
  if (flush_linear_ || moved) mmu_.tlb_flushed();
  flush_nested_ = flush_linear_ = false;
}

// An exit in the middle of an event's delivery: the event is owed again. INT n and its like are executed again.
void VmxEngine::take_vectoring() {
  const EventInfo info = EventInfo::of(vmcs_.read32(Field::kVectoringInfo));
  if (!info.valid || info.is_software()) return;
  emulator::Event event{.vector = info.vector,
                        .is_exception = info.type == vmx::EventType::kHardwareException,
                        .cr2 = cpu_.cr2,
                        .has_error = info.has_error};
  if (info.has_error) event.error_code = vmcs_.read32(Field::kVectoringErrorCode);
  set_event(cpu_, event);
}

void VmxEngine::enter() {
  ring1_switch& page = vcpu_.host.switch_page();
  if (!controls_.ept) install_shadow_directories();
  write_dynamic_controls();
  // Virtual time may have stood since the last exit.
  if (cpu_.tsc_offset != tsc_offset_) vmcs_.write(Field::kTscOffset, tsc_offset_ = cpu_.tsc_offset);
  if (must_give_up()) return;
  write_event();  // only an entry takes it out of the VMCS again
  flush_before_entry(vmcs_.make_current());
  if (shared_.config.trace)
    vcpu_.log.line("vmx %08lx esp %08lx fl %lx eax %08llx ecx %08llx edx %08llx ebx %08llx (after %u)",
                      vmcs_.read(Field::kGuestRip), vmcs_.read(Field::kGuestRsp), vmcs_.read(Field::kGuestRflags),
                      cpu_.gpr[kRax], cpu_.gpr[kRcx], cpu_.gpr[kRdx], cpu_.gpr[kRbx], last_reason_);
  if (hardware::read_cr2() != cpu_.cr2) hardware::write_cr2(cpu_.cr2);
  if (breakpoint::any(cpu_)) [[unlikely]]
    vcpu_.host.debug_registers().load(cpu_);
  if (cpu_.efer & efer::kLma) vcpu_.host.system_call_registers().load(cpu_);
  entering_guest();
  const uint64_t outcome = ring1_vmx_enter(cpu_.gpr, &page, page.vmcs_launched);
  left_guest();
  // Only an exit takes back what was to be delivered.
  if (outcome != kRan) vmcs_.write(Field::kEntryInterruptionInfo, 0);
  if (outcome == kAborted) return physical_interrupt_pending();
  if (outcome == kFailed) {
    const uint32_t error = vmcs_.read32(Field::kInstructionError);
    return entry_failed(error, vmx::describe_instruction_error(error));
  }
  const uint32_t reason = vmcs_.read32(Field::kExitReason);
  last_reason_ = reason;
  if (vmx::entry_failed(reason)) {
    vmcs_.write(Field::kEntryInterruptionInfo, 0);
    return entry_failed(reason, vmx::name_of(vmx::reason_of(reason)));
  }
  page.vmcs_launched = 1;
  cpu_.cr2 = hardware::read_cr2();
  cpu_.event = {};
  window_wanted_ = nmi_window_wanted_ = false;
  take_vectoring();
  handle_exit(reason);
}

// Without EPT: PAE paging over the shadow MMU's four directories, which an entry reads from memory.
void VmxEngine::install_shadow_directories() {
  auto* pointers = reinterpret_cast<uint64_t*>(vcpu_.host.switch_page().hardware_area + kPageSize);
  if (install_directories(pointers)) flush_linear_ = true;
}

void VmxEngine::run_guest() {
  if (live_ == Live::kState) {
    if (!enterable()) return emulate_one(nullptr);
    load_state();
  }
  enter();
}

}  // namespace ring1::monitor
