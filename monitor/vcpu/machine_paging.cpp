// SPDX-License-Identifier: GPL-2.0-only
// What control registers mean for the tables that the processor really uses.
#include "monitor/vcpu/machine.h"
#include "x86/registers.h"

namespace ring1::monitor {

using emulator::MemoryStatus;
using shadowmmu::ShadowMmu;

paging::PagingMode Machine::mode_of(uint64_t cr0, uint64_t cr4) {
  paging::PagingMode mode = {.paging = (cr0 & cr0::kPg) != 0,
                                .pse = (cr4 & cr4::kPse) != 0,
                                .pae = (cr4 & cr4::kPae) != 0,
                                .nxe = (cpu_.efer & efer::kNxe) != 0,
                                .wp = (cr0 & cr0::kWp) != 0,
                                .pge = (cr4 & cr4::kPge) != 0};
  mode.physical_bits = host_.shared().config.physical_bits;
  mode.smep = (cr4 & cr4::kSmep) != 0;
  mode.smap = (cr4 & cr4::kSmap) != 0;
  mode.long_mode = mode.paging && (cpu_.efer & efer::kLma);
  if (!mode.long_mode) return mode;
  constexpr uint32_t kExtendedFeatures = 0x80000001, kGigabytePages = 1u << 26;
  uint32_t features[4];
  cpuid(kExtendedFeatures, 0, features);
  mode.gigabyte_pages = (features[3] & kGigabytePages) != 0;
  mode.la57 = (cr4 & cr4::kLa57) != 0;
  return mode;
}

MemoryStatus Machine::check_paging(uint64_t cr0, uint64_t cr3, uint64_t cr4) {
  switch (mmu_.check_mode(mode_of(cr0, cr4), cr3)) {
    case ShadowMmu::Load::kOk: return MemoryStatus::kOk;
    case ShadowMmu::Load::kGeneralProtection: return MemoryStatus::kFault;
    case ShadowMmu::Load::kBlocked: break;
  }
  return MemoryStatus::kBlocked;
}

void Machine::note_load(ShadowMmu::Load load) {
  recent_.forget();
  pending_.address_space = true;
  failure_ = load == ShadowMmu::Load::kBlocked             ? "no memory for the guest's address space"
             : load == ShadowMmu::Load::kGeneralProtection ? "reserved bits in the page-directory pointers"
                                                           : nullptr;
}

void Machine::set_mode(bool other_mode, paging::Pointers pointers) {
  pending_.real_registers = true;
  if (other_mode) pending_.mode = pending_.tables = true;
  note_load(mmu_.set_mode(mode_of(cpu_.cr0, cpu_.cr4), cpu_.cr3, pointers));
}

void Machine::cr0_written(uint64_t old_value) {
  const uint64_t changed = old_value ^ cpu_.cr0;
  pending_.real_registers = true;
  if (changed & cr0::kPg)
    paging_changed();
  else if (changed & cr0::kWp)
    set_mode(false, paging::Pointers::kKeep);
  if (changed & cr0::kPe) pending_.tables = true;
}

void Machine::cr4_written(uint64_t old_value) {
  const uint64_t changed = old_value ^ cpu_.cr4;
  pending_.real_registers = true;
  // Toggling PGE alone is how a guest flushes its TLB: no mapping changes.
  if (changed & (cr4::kPse | cr4::kPae | cr4::kPge))
    set_mode((changed & (cr4::kPse | cr4::kPae)) != 0, paging::Pointers::kLoad);
  else if (changed & (cr4::kSmep | cr4::kSmap))
    set_mode(false, paging::Pointers::kKeep);
}

void Machine::cr3_written() {
  host_.shared().stats.cr3_writes++;
  note_load(mmu_.load_cr3(cpu_.cr3));
}

void Machine::invlpg(Gva address) {
  host_.shared().stats.invlpgs++;
  recent_.forget();
  mmu_.invlpg(address);
}

void Machine::trace_descriptors(Gpa page, bool on) {
  if (on)
    mmu_.trace_write(page, shadowmmu::kTraceDescriptorTable);
  else
    mmu_.untrace(page, shadowmmu::kTraceDescriptorTable);
}

}  // namespace ring1::monitor
