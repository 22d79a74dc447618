// SPDX-License-Identifier: GPL-2.0-only
// Between ring1_cpu_state and the guest-state area of the VMCS (SDM 3C 25.4).
#include "hwaccel/vmx/control.h"
#include "hwaccel/vmx/guest_check.h"
#include "monitor/world/hardware.h"
#include "monitor/vcpu/vcpu.h"
#include "monitor/vmx/engine.h"
#include "x86/registers.h"

namespace ring1::monitor {

namespace vmx = hwaccel::vmx;
namespace interruptibility = hwaccel::vmx::interruptibility;
using vmx::nth;

namespace {

constexpr unsigned kLdtrIndex = 6, kTrIndex = 7;  // behind the six segment registers
constexpr uint32_t kAccessBits = 0x1f0ff;
constexpr uint64_t kPendingSingleStep = 1u << 14;  // of the pending debug exceptions (25.4.2)
constexpr uint64_t kDr7Fixed = 0x400;

// Bits that the guest may change without an exit: nothing but the guest depends on them.
constexpr uint64_t kFreeCr0 = cr0::kTs | cr0::kMp | cr0::kEm | cr0::kAm;
constexpr uint64_t kPagingBits = cr4::kPse | cr4::kPge | cr4::kSmep | cr4::kSmap | cr4::kPcide | cr4::kLa57 | cr4::kPke;
constexpr uint64_t kFreeCr4 = cr4::kDe | cr4::kOsfxsr | cr4::kOsxmmexcpt | cr4::kTsd;

}  // namespace

bool VmxEngine::unpaged_on_identity() const {
  return controls_.ept && !controls_.unrestricted_guest && !(cpu_.cr0 & cr0::kPg);
}

uint64_t VmxEngine::cr0_mask() const { return ~(kFreeCr0 | (controls_.ept ? cr0::kWp : 0)); }
uint64_t VmxEngine::cr4_mask() const { return ~(kFreeCr4 | (controls_.ept ? cr4::kPge : 0)); }

uint64_t VmxEngine::real_cr0() const {
  uint64_t value = cpu_.cr0 & ~(cr0::kCd | cr0::kNw);
  if (!controls_.ept) value |= cr0::kWp;  // the shadow tables count on it
  return (value | controls_.cr0_must) & controls_.cr0_may;
}

uint64_t VmxEngine::real_cr4() const {
  uint64_t value = cpu_.cr4;
  // Whatever the guest has: shadow tables are PAE tables, the identity map is one of large pages.
  if (!controls_.ept)
    value = (value & ~kPagingBits) | cr4::kPae;
  else if (unpaged_on_identity())
    value = (value & ~(kPagingBits | cr4::kPae)) | cr4::kPse;
  // A machine check is the host's, and without this bit it ends in a shutdown instead of an exit (SDM 3A 6.15, #MC).
  value |= vcpu_.host.switch_page().mon_cr4 & cr4::kMce;
  return (value | controls_.cr4_must) & controls_.cr4_may;
}

bool VmxEngine::enterable() const {
  return live_ == Live::kVmcs || vmx::check_guest(cpu_, controls_.unrestricted_guest) == vmx::Refusal::kNone;
}

void VmxEngine::load_segment(unsigned index, const ring1_segment& segment) {
  vmcs_.write(nth(Field::kGuestEsSelector, index), segment.selector);
  vmcs_.write(nth(Field::kGuestEsBase, index), segment.base);
  vmcs_.write(nth(Field::kGuestEsLimit, index), segment.limit);
  vmcs_.write(nth(Field::kGuestEsAccess, index), segment.access & RING1_AR_UNUSABLE
                                                     ? segment.access & (RING1_AR_UNUSABLE | RING1_AR_DPL_MASK)
                                                     : segment.access & kAccessBits);
}

void VmxEngine::save_segment(unsigned index, ring1_segment* segment) {
  segment->selector = static_cast<uint16_t>(vmcs_.read(nth(Field::kGuestEsSelector, index)));
  segment->base = vmcs_.read(nth(Field::kGuestEsBase, index));
  segment->limit = vmcs_.read32(nth(Field::kGuestEsLimit, index));
  segment->access = vmcs_.read32(nth(Field::kGuestEsAccess, index)) & kAccessBits;
}

// The page-directory pointers that PAE paging uses are fields of their own with EPT, and lie in memory without.
void VmxEngine::load_pointers() {
  const bool long_mode = cpu_.efer & efer::kLma;
  if (long_mode || !(cpu_.cr0 & cr0::kPg) || !(cpu_.cr4 & cr4::kPae)) return;
  constexpr uint64_t kTable = 0xffffffe0;
  const Gpa at(cpu_.cr3 & kTable);
  Hpa hpa;
  paging::GuestPointer va;
  const paging::Backing backing = vcpu_.memory.page(at.page(), &hpa, &va);
  const bool ram = paging::has_memory(backing);
  // Reserved bits, which an entry refuses, were the fault of the load that met them; there is nothing to walk behind
  // them.
  constexpr uint64_t kReserved = 0x1e6, kPresent = 1;
  constexpr unsigned kPhysicalBits = 36;  // all these processors have them
  const auto* table = ram ? reinterpret_cast<const uint64_t*>(va.in(vcpu_.memory) + at.offset()) : nullptr;
  for (unsigned i = 0; i < 4; i++) {
    const uint64_t pointer = table ? table[i] : 0;
    const bool good = (pointer & kPresent) && !(pointer & kReserved) && pointer >> kPhysicalBits == 0;
    vmcs_.write(nth(Field::kGuestPdpte0, i), good ? pointer : 0);
  }
}

void VmxEngine::load_paging() {
  vmcs_.write(Field::kGuestCr0, real_cr0());
  vmcs_.write(Field::kGuestCr4, real_cr4());
  vmcs_.write(Field::kCr0Shadow, cpu_.cr0);
  vmcs_.write(Field::kCr4Shadow, cpu_.cr4);
  if (controls_.ept) {
    vmcs_.write(Field::kGuestCr3, unpaged_on_identity() ? uint64_t{shared_.config.identity_map} : cpu_.cr3);
    if (pointers_changed_) load_pointers();
    pointers_changed_ = false;
  } else {
    ring1_switch& page = vcpu_.host.switch_page();
    vmcs_.write(Field::kGuestCr3, vcpu_.pool.hpa_of(reinterpret_cast<void*>(page.hardware_area + kPageSize)).raw());
  }
  // Under paging, LME without LMA is refused.
  const uint64_t early = unpaged_on_identity() ? efer::kLme : 0;
  const uint64_t nxe = controls_.ept ? 0 : efer::kNxe;
  if (controls_.efer) vmcs_.write(Field::kGuestEfer, (cpu_.efer & ~early) | nxe);
  const uint32_t entry =
      (controls_.entry & ~vmx::entry_control::kGuest64) | (cpu_.efer & efer::kLma ? vmx::entry_control::kGuest64 : 0);
  if (entry != entry_controls_) vmcs_.write(Field::kEntryControls, entry_controls_ = entry);
}

void VmxEngine::load_state() {
  for (unsigned i = 0; i < kSegmentCount; i++) load_segment(i, cpu_.seg[i]);
  load_segment(kLdtrIndex, cpu_.ldtr);
  load_segment(kTrIndex, loaded_tr_ = vmx::tr_for_entry(cpu_));
  vmcs_.write(Field::kGuestGdtrBase, cpu_.gdtr.base);
  vmcs_.write(Field::kGuestGdtrLimit, cpu_.gdtr.limit);
  vmcs_.write(Field::kGuestIdtrBase, cpu_.idtr.base);
  vmcs_.write(Field::kGuestIdtrLimit, cpu_.idtr.limit);
  load_paging();
  vmcs_.write(Field::kGuestRip, cpu_.rip);
  vmcs_.write(Field::kGuestRsp, cpu_.gpr[kRsp]);
  vmcs_.write(Field::kGuestRflags, cpu_.rflags | eflags::kFixed1);
  vmcs_.write(Field::kGuestDr7, (cpu_.dr[7] & 0xffffffff) | kDr7Fixed);
  vmcs_.write(Field::kGuestSysenterCs, cpu_.sysenter_cs & 0xffffffff);
  vmcs_.write(Field::kGuestSysenterEsp, cpu_.sysenter_esp);
  vmcs_.write(Field::kGuestSysenterEip, cpu_.sysenter_eip);
  vmcs_.write(Field::kTscOffset, tsc_offset_ = cpu_.tsc_offset);

  // An event that is delivered ends a shadow, and an NMI begins its own blocking.
  uint32_t blocked = 0;
  if (!cpu_.event.valid && cpu_.shadow)
    blocked |= cpu_.shadow == RING1_SHADOW_STI ? interruptibility::kSti : interruptibility::kMovSs;
  if (cpu_.nmi_blocked && controls_.virtual_nmis) blocked |= interruptibility::kNmi;
  if (!(cpu_.rflags & eflags::kIf)) blocked &= ~interruptibility::kSti;
  vmcs_.write(Field::kGuestInterruptibility, blocked);
  const bool stepping = (blocked & (interruptibility::kSti | interruptibility::kMovSs)) && (cpu_.rflags & eflags::kTf);
  vmcs_.write(Field::kGuestPendingDebug, stepping ? kPendingSingleStep : 0);
  live_ = Live::kVmcs;
}

void VmxEngine::to_architectural() {
  if (live_ == Live::kState) return;
  live_ = Live::kState;
  for (unsigned i = 0; i < kSegmentCount; i++) save_segment(i, &cpu_.seg[i]);
  save_segment(kLdtrIndex, &cpu_.ldtr);
  ring1_segment tr = {};
  save_segment(kTrIndex, &tr);
  const bool untouched = tr.selector == loaded_tr_.selector && tr.base == loaded_tr_.base &&
                         tr.limit == loaded_tr_.limit && tr.access == loaded_tr_.access;
  if (!untouched) cpu_.tr = tr;
  cpu_.gdtr.base = vmcs_.read(Field::kGuestGdtrBase);
  cpu_.gdtr.limit = static_cast<uint16_t>(vmcs_.read(Field::kGuestGdtrLimit));
  cpu_.idtr.base = vmcs_.read(Field::kGuestIdtrBase);
  cpu_.idtr.limit = static_cast<uint16_t>(vmcs_.read(Field::kGuestIdtrLimit));
  cpu_.rip = vmcs_.read(Field::kGuestRip);
  cpu_.gpr[kRsp] = vmcs_.read(Field::kGuestRsp);
  cpu_.rflags = vmcs_.read(Field::kGuestRflags);
  // MOV DR exits, but a debug exception clears GD by itself.
  cpu_.dr[7] = vmcs_.read(Field::kGuestDr7);
  const uint32_t blocked = vmcs_.read32(Field::kGuestInterruptibility);
  cpu_.shadow = blocked & interruptibility::kSti     ? RING1_SHADOW_STI
                : blocked & interruptibility::kMovSs ? RING1_SHADOW_MOV_SS
                                                     : 0;
  if (controls_.virtual_nmis) cpu_.nmi_blocked = (blocked & interruptibility::kNmi) != 0;

  const uint64_t cr0 = (cpu_.cr0 & cr0_mask()) | (vmcs_.read(Field::kGuestCr0) & ~cr0_mask());
  const uint64_t cr4 = (cpu_.cr4 & cr4_mask()) | (vmcs_.read(Field::kGuestCr4) & ~cr4_mask());
  const uint64_t cr3 = controls_.ept && !unpaged_on_identity() ? vmcs_.read(Field::kGuestCr3) : cpu_.cr3;
  cpu_.cr0 = cr0;
  cpu_.cr4 = cr4;
  cpu_.cr3 = cr3;
  vcpu_.host.system_call_registers().take(&cpu_);
  // The emulator's walks go where the guest has gone.
  if (controls_.ept) vcpu_.machine.control_registers_adopted();
}

}  // namespace ring1::monitor
