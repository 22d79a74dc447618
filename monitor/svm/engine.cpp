// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/svm/engine.h"

#include <cerrno>

#include "hwaccel/svm/assist.h"
#include "hwaccel/svm/controls.h"
#include "hwaccel/svm/dump.h"
#include "hwaccel/svm/state.h"
#include "monitor/world/hardware.h"
#include "monitor/vcpu/vcpu.h"
#include "x86/breakpoints.h"
#include "x86/registers.h"

namespace ring1::monitor {
namespace {

// The hardware area (include/ring1/switch.h), page by page: two bitmaps of which the processor wants contiguous pages,
// the VMCB, the monitor's side of it, and the page-directory pointers, which a 32-bit CR3 must reach.
constexpr unsigned kIoBitmap = 0, kMsrBitmap = 3, kGuestVmcb = 5, kHostVmcb = 6, kPointers = 7;
static_assert(kPointers + 1 == RING1_HARDWARE_PAGES);

constexpr uint32_t kSvmLeaf = 0x8000000a, kHypervisorLeaf = 0x40000000;

// QEMU's code generator says so. Its AMD-V cannot walk a PAE guest's tables behind nested ones (docs/findings.md), and
// it wants TR to hold an available TSS.
bool is_qemu_tcg() {
  constexpr uint32_t kSignature[] = {0x54474354, 0x43544743, 0x47435447};  // "TCGTCGTCGTCG"
  uint32_t leaf[4];
  hardware::cpuid(kHypervisorLeaf, 0, leaf);
  return leaf[1] == kSignature[0] && leaf[2] == kSignature[1] && leaf[3] == kSignature[2];
}

}  // namespace

SvmEngine::SvmEngine(Vcpu& vcpu) : HardwareEngine(vcpu), npt_(vcpu.pool, vcpu.memory) {}

uint64_t SvmEngine::init() {
  const ring1_switch& page = vcpu_.host.switch_page();
  auto* area = reinterpret_cast<uint8_t*>(page.hardware_area);
  if (!area || !shared_.config.asid) return EINVAL;
  const auto address_of = [&](unsigned index) { return page.hardware_area + index * kPageSize - page.direct_map; };
  uint32_t leaf[4];
  hardware::cpuid(kSvmLeaf, 0, leaf);
  features_ = leaf[3];
  nested_ = shared_.config.nested_paging && (features_ & hwaccel::svm::feature::kNestedPaging);
  emulated_ = is_qemu_tcg();
  pae_needs_shadows_ = nested_ && emulated_;

  constexpr unsigned kBitmapWork = 4 * kPageSize;  // instructions for each, for Host::work()
  vcpu_.host.work(kBitmapWork);
  hwaccel::svm::fill_io_bitmap(area + kIoBitmap * kPageSize);
  vcpu_.host.work(kBitmapWork);
  hwaccel::svm::fill_msr_bitmap(area + kMsrBitmap * kPageSize);
  vmcb_ = reinterpret_cast<hwaccel::svm::Vmcb*>(area + kGuestVmcb * kPageSize);
  pointers_ = reinterpret_cast<uint64_t*>(area + kPointers * kPageSize);
  hwaccel::svm::VmcbControl& control = vmcb_->control;
  control.io_bitmap = address_of(kIoBitmap);
  control.msr_bitmap = address_of(kMsrBitmap);
  control.asid = shared_.config.asid;
  entry_ = {.guest = address_of(kGuestVmcb),
            .host = address_of(kHostVmcb),
            .gpr = cpu_.gpr,
            .switch_page = &vcpu_.host.switch_page()};
  if (nested_) {
    if (!npt_.init()) return ENOMEM;
    npt_root_ = npt_.root().raw();
    // The nested tables have as many levels as the monitor's own.
    if (page.mon_cr4 & cr4::kLa57) {
      auto* top = static_cast<uint64_t*>(vcpu_.pool.allocate_page());
      if (!top) return ENOMEM;
      top[0] = hwaccel::svm::NptFormat::table(npt_.root());
      npt_root_ = vcpu_.pool.hpa_of(top).raw();
    }
    mmu_.set_shadowing(false);
  }
  return mmu_.init() ? 0 : ENOMEM;
}

void SvmEngine::forget_nested(uint64_t gfn, uint64_t count) {
  if (npt_root_ && npt_.forget(gfn, count)) flush_wanted_ = true;
}

void SvmEngine::log_dirty_nested(uint64_t gfn, uint64_t count) {
  if (npt_root_ && npt_.log_dirty(gfn, count)) flush_wanted_ = true;
}

InstructionBytes SvmEngine::known_instruction() const { return hwaccel::svm::instruction_of(*vmcb_, features_); }

void SvmEngine::flush_page(Gva page) {
  if (!flush_wanted_) hardware::invlpga(page.raw(), shared_.config.asid);
}

void SvmEngine::set_nested(bool on) {
  nested_ = on;
  mmu_.set_shadowing(!on);
  vcpu_.machine.paging_changed();
  paging_generation_ = ~0u;
  flush_wanted_ = true;
}

// What the processor holds of it is written with everything else when ring1_cpu_state counts, and it does here.
void SvmEngine::apply_pending() {
  const Machine::Pending pending = vcpu_.machine.take_pending();
  if (!pae_needs_shadows_ || !(pending.address_space || pending.mode)) return;
  const bool pae = (cpu_.cr0 & cr0::kPg) && (cpu_.cr4 & cr4::kPae) && !(cpu_.efer & efer::kLma);
  if (nested_ == pae) set_nested(!pae);
}

// An exception or interrupt goes in with the next entry. There can be one only: what still waits goes first, by the
// emulator, which knows the rules of double faults.
void SvmEngine::deliver(const emulator::Event& event) {
  if (event.is_exception) shared_.stats.exceptions_injected++;
  if (cpu_.event.valid) (void)take_event_along_by_emulator();
  inject(event);
  attend();
}

// INT3 and INTO cut short are executed again (hwaccel/svm/exit.h), so one that is injected could get lost.
bool SvmEngine::take_event_along() {
  const bool breakpoint = cpu_.event.vector == static_cast<uint8_t>(Vector::kBp);
  const bool overflow = cpu_.event.vector == static_cast<uint8_t>(Vector::kOf);
  if (!cpu_.event.is_software && !(cpu_.event.is_exception && (breakpoint || overflow))) return true;
  return take_event_along_by_emulator();
}

// For an interrupt there is a window, behind the shadow of STI as well; but QEMU's VMRUN does not load the shadow (APM
// 2 15.21.5). An NMI has none: what stands in its way is done here.
bool SvmEngine::pass_obstacle(bool for_nmi) {
  if (!for_nmi && !(emulated_ && cpu_.shadow && !cpu_.event.valid)) return true;
  if (cpu_.event.valid) return take_event_along_by_emulator();
  emulator::Fault fault{};
  const emulator::Outcome outcome = step(&fault);
  if (outcome == emulator::Outcome::kUnsupported)
    cpu_.shadow = 0;  // one for the processor itself; nothing it does can tell the difference
  else
    finish(outcome, fault, nullptr);
  return false;
}

void SvmEngine::dump() {
  if (!vmcb_) return;
  hwaccel::svm::VmcbRow rows[hwaccel::svm::kVmcbRows];
  const unsigned count = hwaccel::svm::dump_rows(*vmcb_, rows);
  for (unsigned i = 0; i < count; i++) vcpu_.log.line("  VMCB: %s %lx", rows[i].name, rows[i].value);
  vcpu_.log.line("  VMCB: %s", hwaccel::svm::name_of(static_cast<hwaccel::svm::Exit>(vmcb_->control.exit_code)));
}

}  // namespace ring1::monitor
