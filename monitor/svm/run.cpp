// SPDX-License-Identifier: GPL-2.0-only
// Into the guest and out again: ring1_cpu_state to the VMCB and back.
#include "hwaccel/svm/controls.h"
#include "hwaccel/svm/state.h"
#include "monitor/world/hardware.h"
#include "monitor/vcpu/vcpu.h"
#include "monitor/svm/engine.h"
#include "x86/breakpoints.h"
#include "x86/registers.h"

namespace ring1::monitor {

using hwaccel::svm::TlbControl;

namespace {

constexpr uint64_t kSvme = 1u << 12;  // VMRUN wants it in the guest's EFER as well (APM 2 15.5.1)
constexpr uint64_t kNoCaching = cr0::kCd | cr0::kNw;

// With shadow tables the processor is in PAE paging, whatever the guest is in: what the guest's CR4 says of paging
// stays virtual.
constexpr uint64_t kPagingBits =
    cr4::kPse | cr4::kPae | cr4::kPge | cr4::kLa57 | cr4::kPcide | cr4::kSmep | cr4::kSmap | cr4::kPke;

}  // namespace

// A guest that turns off caching would only slow itself down: the module's memory stays coherent anyway.
bool SvmEngine::hides_caching() const { return cpu_.cr0 & kNoCaching; }

// At an exit QEMU loads the host's CR0 while the guest's EFER and CR4 are still there. If those say long mode without PAE, it
// leaves paging off for the host, which never comes back. LME means nothing while paging is off, so the processor need not have it.
bool SvmEngine::hides_long_mode() const { return (cpu_.efer & efer::kLme) && !(cpu_.cr0 & cr0::kPg); }

void SvmEngine::store_control_registers() {
  hwaccel::svm::VmcbState& state = vmcb_->state;
  const uint64_t machine_check = vcpu_.host.switch_page().mon_cr4 & cr4::kMce;
  state.cr0 = cpu_.cr0 & ~kNoCaching;
  state.cr4 = cpu_.cr4 | machine_check;
  state.efer = (cpu_.efer & ~(hides_long_mode() ? efer::kLme | efer::kLma : 0)) | kSvme;
  state.cr3 = cpu_.cr3;
  if (nested_) return;
  state.cr0 |= cr0::kPg | cr0::kWp;
  state.cr4 = (state.cr4 & ~kPagingBits) | cr4::kPae;
  state.efer = (cpu_.efer & efer::kSce) | efer::kNxe | kSvme;
  state.cr3 = shadow_cr3();
}

uint64_t SvmEngine::shadow_cr3() const {
  return reinterpret_cast<uint64_t>(pointers_) - vcpu_.host.switch_page().direct_map;
}

void SvmEngine::store_state() {
  hwaccel::svm::store_segments(cpu_, emulated_, &vmcb_->state);
  store_control_registers();
}

void SvmEngine::prepare_controls() {
  hwaccel::svm::VmcbControl& control = vmcb_->control;
  hwaccel::svm::set_intercepts({.nested_paging = nested_,
                                .watch_cr0 = hides_caching() || hides_long_mode() || pae_needs_shadows_,
                                .nmi_blocked = cpu_.nmi_blocked && !iret_.running,
                                .interrupt_window = interrupt_waiting_},
                               &control);
  control.tsc_offset = cpu_.tsc_offset;
  control.nested_paging = nested_;
  control.nested_cr3 = npt_root_;
  control.interrupt_shadow = cpu_.shadow != 0;
  control.event_injection = cpu_.event.valid ? hwaccel::svm::encode_event(cpu_.event, (cpu_.cr0 & cr0::kPe) != 0) : 0;
  // A virtual interrupt of which nothing is ever delivered: the guest exits when it could be (APM 2 15.21.4).
  constexpr uint32_t kWindow = hwaccel::svm::vintr::kRequest | hwaccel::svm::vintr::kIgnoreTpr;
  control.virtual_interrupt = hwaccel::svm::vintr::kMasking | (interrupt_waiting_ ? kWindow : 0);
}

void SvmEngine::prepare_paging() {
  if (!nested_ && install_directories(pointers_)) flush_wanted_ = true;
}

void SvmEngine::prepare_breakpoints() {
  vmcb_->state.dr6 = breakpoint::kDr6Fixed1;
  vmcb_->state.dr7 = breakpoint::kDr7Fixed1;
  if (!breakpoint::any(cpu_)) [[likely]]
    return;
  vmcb_->state.dr7 = breakpoint::control(cpu_, breakpoint::kAll);
  vcpu_.host.debug_registers().load(cpu_);
}

// An entry of another processor's TLB is of no use, and neither is one of another guest's.
void SvmEngine::prepare_flush() {
  ring1_switch& page = vcpu_.host.switch_page();
  if (page.moved || (shared_.config.asid_shared && page.visited)) flush_wanted_ = true;
  page.moved = page.visited = 0;
  TlbControl control = TlbControl::kNothing;
  if (flush_wanted_)
    control = features_ & hwaccel::svm::feature::kFlushByAsid ? TlbControl::kFlushAsid : TlbControl::kFlushAll;
  vmcb_->control.tlb_control = static_cast<uint8_t>(control);
  if (flush_wanted_) mmu_.tlb_flushed();
}

void SvmEngine::trace_entry() {
  vcpu_.log.line(
      "svm %08lx rax %lx rbx %lx rcx %lx rdx %lx rsi %lx rdi %lx rbp %lx rsp %lx fl %lx cr0 %lx inject %lx (after %lx)",
      vmcb_->state.rip, vmcb_->state.rax, uint64_t{cpu_.gpr[kRbx]}, uint64_t{cpu_.gpr[kRcx]}, uint64_t{cpu_.gpr[kRdx]},
      uint64_t{cpu_.gpr[kRsi]}, uint64_t{cpu_.gpr[kRdi]}, uint64_t{cpu_.gpr[kRbp]}, vmcb_->state.rsp,
      vmcb_->state.rflags, vmcb_->state.cr0, vmcb_->control.event_injection, vmcb_->control.exit_code);
}

void SvmEngine::run_guest() {
  prepare_paging();
  if (live_ == Live::kState) store_state();
  hwaccel::svm::store_volatile(cpu_, &vmcb_->state);
  arm_iret();
  prepare_controls();
  prepare_breakpoints();
  if (must_give_up()) return;
  prepare_flush();
  // VMRUN loads it from the VMCB (APM 2 15.5.1), but that of Bochs 2.7 does not.
  if (hardware::read_cr2() != cpu_.cr2) hardware::write_cr2(cpu_.cr2);
  if (shared_.config.trace) trace_entry();
  entering_guest();
  const bool ran = ring1_svm_run(&entry_);
  left_guest();
  if (!ran) return physical_interrupt_pending();
  flush_wanted_ = false;
  if (!nested_ && vmcb_->state.cr3 != shadow_cr3()) [[unlikely]]
    return switched_tasks();
  take_exit();
  handle_exit();
}

// CR3 is not the guest's to load on shadow tables, and writes of it and task switches exit (APM 2 15.14.1). QEMU 7.2 knows no
// such intercept of task switches.
void SvmEngine::switched_tasks() {
  live_ = Live::kVmcb;
  to_architectural();
  internal_error(KVM_INTERNAL_ERROR_EMULATION, "the guest has switched tasks on shadow tables, and this processor let it");
}

void SvmEngine::take_exit() {
  const hwaccel::svm::VmcbControl& control = vmcb_->control;
  if (static_cast<hwaccel::svm::Exit>(control.exit_code) == hwaccel::svm::Exit::kInvalid) return;
  live_ = Live::kVmcb;
  hwaccel::svm::load_volatile(vmcb_->state, &cpu_);
  settle_iret();
  cpu_.shadow = control.interrupt_shadow & 1 ? RING1_SHADOW_STI : 0;
  const hwaccel::svm::CutShort cut = hwaccel::svm::decode_cut_short(control.exit_interrupt_info);
  cpu_.event = cut.event;
  if (cut.nmi) {
    cpu_.nmi_pending = 1;
    cpu_.nmi_blocked = 0;
  }
  if (cpu_.event.valid || cut.nmi) attend();
}

void SvmEngine::to_architectural() {
  if (live_ == Live::kState) return;
  live_ = Live::kState;
  const hwaccel::svm::VmcbState& state = vmcb_->state;
  hwaccel::svm::load_segments(state, &cpu_);
  if (!nested_) return;
  // What the guest may change without us.
  const uint64_t hidden = hides_caching() ? kNoCaching : 0, enabled = hides_long_mode() ? cpu_.efer & efer::kLme : 0;
  cpu_.cr0 = (cpu_.cr0 & hidden) | (state.cr0 & ~hidden);
  cpu_.cr3 = state.cr3;
  cpu_.efer = (state.efer & ~kSvme) | enabled;
  vcpu_.machine.control_registers_adopted();
}

}  // namespace ring1::monitor
