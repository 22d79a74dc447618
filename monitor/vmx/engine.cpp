// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/vmx/engine.h"

#include "monitor/vcpu/vcpu.h"
#include "x86/registers.h"

namespace ring1::monitor {

namespace vmx = hwaccel::vmx;

VmxEngine::VmxEngine(Vcpu& vcpu)
    : HardwareEngine(vcpu), vmcs_(vcpu.host), ept_(vcpu.pool, vcpu.memory) {}

void VmxEngine::forget_nested(uint64_t gfn, uint64_t count) {
  if (controls_.ept && ept_.forget(gfn, count)) flush_nested_ = true;
}

void VmxEngine::log_dirty_nested(uint64_t gfn, uint64_t count) {
  if (controls_.ept && ept_.log_dirty(gfn, count)) flush_nested_ = true;
}

// One page of the shadow tables, before the next entry.
void VmxEngine::flush_page(Gva page) {
  (void)page;
  flush_linear_ = true;
}

void VmxEngine::dump() { vmcs_.dump(vcpu_.log); }

bool VmxEngine::interrupt_flag() const {
  if (live_ == Live::kState) return cpu_.rflags & eflags::kIf;
  return const_cast<Vmcs&>(vmcs_).read(Field::kGuestRflags) & eflags::kIf;
}

void VmxEngine::apply_pending() {
  const Machine::Pending pending = vcpu_.machine.take_pending();
  if (pending.address_space || pending.mode) pointers_changed_ = true;
}

void VmxEngine::deliver(const emulator::Event& event) {
  if (event.is_exception) shared_.stats.exceptions_injected++;
  attend();
  // What still waits goes first, by the emulator, which knows the rules of double faults.
  if (cpu_.event.valid) (void)take_event_along_by_emulator();
  if (event.is_software) return deliver_by_emulator(event);
  inject(event);
}

bool VmxEngine::take_event_along() {
  const ring1_pending_event& event = cpu_.event;
  const bool external = !event.is_exception && event.vector != static_cast<uint8_t>(Vector::kNmi);
  // What an entry would refuse (SDM 3C 27.2.1.3, 27.3.1.4) can only come from user space.
  const bool fits = !event.is_software && (external ? interrupt_flag() : event.vector < 32);
  if (fits && enterable()) return true;
  return take_event_along_by_emulator();
}

// An event is on its way, or the guest stands in a shadow: the processor tells when that is over.
bool VmxEngine::pass_obstacle(bool for_nmi) {
  if (!enterable()) {
    emulate_one(nullptr);
    return false;
  }
  if (for_nmi && controls_.virtual_nmis)
    nmi_window_wanted_ = true;
  else if (interrupt_flag())
    window_wanted_ = true;
  else if (!cpu_.event.valid) {
    emulate_one(nullptr);
    return false;
  }
  return true;
}

}  // namespace ring1::monitor
