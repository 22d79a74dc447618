// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/vcpu/machine.h"

#include "monitor/world/freestanding.h"
#include "monitor/world/hardware.h"
#include "x86/breakpoints.h"
#include "x86/registers.h"

namespace ring1::monitor {
namespace {

// Instructions, for Host::work(): of a walk of the guest's tables, of a read, of a write.
constexpr unsigned kWalkWork = 400, kAccessWork = 100, kStoreWork = 300;

}  // namespace

using emulator::Fault;
using emulator::MemoryStatus;
using emulator::Privilege;
using emulator::Purpose;
using paging::Backing;
using shadowmmu::ShadowMmu;

Machine::Machine(Host& host, GuestMemory& memory, shadowmmu::ShadowMmu& mmu, Devices& devices)
    : host_(host),
      cpu_(host.shared().cpu),
      memory_(memory),
      mmu_(mmu),
      devices_(devices),
      paravirt_clock_(host, devices, *this) {}

paging::Access Machine::access_of(bool write, Privilege privilege, Purpose purpose) const {
  // EFLAGS.AC lifts SMAP for what an instruction asks for itself, not for descriptor tables and the like (SDM
  // 3A 4.6.1).
  return {.write = write,
          .user = privilege == Privilege::kUser && purpose != Purpose::kSystem,
          .fetch = purpose == Purpose::kFetch,
          .ac = purpose == Purpose::kData && (cpu_.rflags & eflags::kAc) != 0};
}

Gva Machine::behind(Gva address, unsigned bytes) const {
  const Gva next = address + bytes;
  return cpu_.efer & efer::kLma ? next : Gva(next.raw() & 0xffffffff);
}

MemoryStatus Machine::locate(Gva address, paging::Access access, Gpa* gpa, Fault* fault) {
  host_.work(kWalkWork);
  const paging::Walk walk = mmu_.translate(address, access);
  if (walk.blocked) return MemoryStatus::kBlocked;
  if (!walk.ok) {
    *fault = walk.fault;
    return MemoryStatus::kFault;
  }
  *gpa = walk.gpa;
  return MemoryStatus::kOk;
}

MemoryStatus Machine::device(Gpa gpa, uint8_t* data, unsigned size, bool is_write) {
  host_.shared().stats.device_faults++;
  // Accesses wider than 8 bytes come as several, as on a bus.
  for (unsigned done = 0; done < size; done += 8) {
    const unsigned now = size - done < 8 ? size - done : 8;
    if (!devices_.memory(gpa + done, data + done, now, is_write)) return MemoryStatus::kBlocked;
  }
  return MemoryStatus::kOk;
}

void Machine::remember(Gva address, paging::Access access, Gpa gpa) {
  if (!recent_.running()) return;
  Hpa hpa;
  paging::GuestPointer va;
  const Backing backing = memory_.known(gpa.page(), &hpa, &va);
  if (access.write ? backing == Backing::kRam : paging::has_memory(backing)) recent_.add(address, access, gpa, va.in(memory_));
}

MemoryStatus Machine::read_piece(Gpa gpa, uint8_t* to, unsigned size) {
  Hpa hpa;
  paging::GuestPointer va;
  switch (memory_.page(gpa.page(), &hpa, &va)) {
    case Backing::kRam:
    case Backing::kClean:
    case Backing::kReadOnly: memcpy(to, va.in(memory_) + gpa.offset(), size); return MemoryStatus::kOk;
    case Backing::kDevice: return device(gpa, to, size, false);
    default: return MemoryStatus::kBlocked;
  }
}

void Machine::write_memory(Gpa gpa, void* to, const void* from, unsigned size) {
  memcpy(to, from, size);  // first: a turn for the host may take the memory away
  mmu_.guest_wrote(gpa, size);
  if (store_watcher_) store_watcher_->stored(gpa, size);
  host_.work(kStoreWork);
}

MemoryStatus Machine::write_piece(Gpa gpa, const uint8_t* from, unsigned size) {
  Hpa hpa;
  paging::GuestPointer va;
  uint8_t copy[16];
  switch (memory_.page_for_write(gpa.page(), &hpa, &va)) {
    case Backing::kRam:
      write_memory(gpa, va.in(memory_) + gpa.offset(), from, size);
      return MemoryStatus::kOk;
    case Backing::kReadOnly:  // a write to ROM is a device access that user space may see
    case Backing::kDevice: memcpy(copy, from, size); return device(gpa, copy, size, true);
    default: return MemoryStatus::kBlocked;
  }
}

MemoryStatus Machine::read(Gva address, void* to, unsigned size, Privilege privilege, Purpose purpose, Fault* fault) {
  host_.work(kAccessWork);
  const paging::Access access = access_of(false, privilege, purpose);
  const unsigned first =
      kPageSize - address.offset() < size ? static_cast<unsigned>(kPageSize - address.offset()) : size;
  const RecentPages::Page* page = recent_.find(address, access);
  if (page && first == size) {
    watch(address, size, false, purpose);
    memcpy(to, page->memory + address.offset(), size);
    return MemoryStatus::kOk;
  }
  Gpa gpa[2];
  MemoryStatus status = locate(address, access, &gpa[0], fault);
  if (status == MemoryStatus::kOk && first < size) status = locate(behind(address, first), access, &gpa[1], fault);
  if (status != MemoryStatus::kOk) return status;
  watch(address, size, false, purpose);
  auto* bytes = static_cast<uint8_t*>(to);
  status = read_piece(gpa[0], bytes, first);
  if (!page) remember(address, access, gpa[0]);
  if (status != MemoryStatus::kOk || first == size) return status;
  return read_piece(gpa[1], bytes + first, size - first);
}

MemoryStatus Machine::write(Gva address, const void* from, unsigned size, Privilege privilege, Purpose purpose,
                            Fault* fault) {
  const paging::Access access = access_of(true, privilege, purpose);
  const unsigned first =
      kPageSize - address.offset() < size ? static_cast<unsigned>(kPageSize - address.offset()) : size;
  const RecentPages::Page* page = recent_.find(address, access);
  if (page && first == size) {
    watch(address, size, true, purpose);
    write_memory(page->physical + address.offset(), page->memory + address.offset(), from, size);
    return MemoryStatus::kOk;
  }
  Gpa gpa[2];
  MemoryStatus status = locate(address, access, &gpa[0], fault);
  if (status == MemoryStatus::kOk && first < size) status = locate(behind(address, first), access, &gpa[1], fault);
  if (status != MemoryStatus::kOk) return status;
  watch(address, size, true, purpose);
  const auto* bytes = static_cast<const uint8_t*>(from);
  status = write_piece(gpa[0], bytes, first);
  if (!page) remember(address, access, gpa[0]);
  if (status != MemoryStatus::kOk || first == size) return status;
  return write_piece(gpa[1], bytes + first, size - first);
}

MemoryStatus Machine::probe_write(Gva address, unsigned size, Privilege privilege, Fault* fault) {
  const paging::Access access = access_of(true, privilege, Purpose::kData);
  Gpa gpa;
  if (const MemoryStatus status = locate(address, access, &gpa, fault); status != MemoryStatus::kOk) return status;
  const Gva last = behind(address, size - 1);
  if (last.page() == address.page()) return MemoryStatus::kOk;
  return locate(last.page(), access, &gpa, fault);
}

void Machine::watch(Gva address, unsigned size, bool write, Purpose purpose) {
  if (!breakpoint::any(cpu_) || purpose != Purpose::kData) [[likely]]
    return;
  breakpoints_met_ |= breakpoint::met_by_data(cpu_, static_cast<uint32_t>(address.raw()), size, write);
}

void Machine::watch_port(uint16_t port, unsigned size) {
  if (breakpoint::any(cpu_)) [[unlikely]]
    breakpoints_met_ |= breakpoint::met_by_port(cpu_, port, size);
}

MemoryStatus Machine::port_in(uint16_t port, unsigned size, uint32_t* value) {
  watch_port(port, size);
  return devices_.port(port, size, value, false) ? MemoryStatus::kOk : MemoryStatus::kBlocked;
}

MemoryStatus Machine::port_out(uint16_t port, unsigned size, uint32_t value) {
  watch_port(port, size);
  return devices_.port(port, size, &value, true) ? MemoryStatus::kOk : MemoryStatus::kBlocked;
}

void Machine::cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4]) {
  const ring1_vcpu_shared& shared = host_.shared();
  const kvm_cpuid_entry2* best = nullptr;
  uint32_t highest = 0;
  for (uint32_t i = 0; i < shared.cpuid_count && i < RING1_CPUID_MAX; i++) {
    const kvm_cpuid_entry2& entry = shared.cpuid[i];
    if (entry.function < 0x40000000 && entry.function > highest) highest = entry.function;
    if (entry.function != leaf) continue;
    if ((entry.flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) && entry.index != subleaf) continue;
    best = &entry;
    break;
  }
  if (!best) {
    // A leaf beyond the highest basic one gives the highest one's data (SDM 2A CPUID); other gaps are zero.
    out[0] = out[1] = out[2] = out[3] = 0;
    if (leaf < 0x40000000 && leaf > highest && highest) cpuid(highest, subleaf, out);
    return;
  }
  out[0] = best->eax;
  out[1] = best->ebx;
  out[2] = best->ecx;
  out[3] = best->edx;
  if (leaf == 1) {
    constexpr uint32_t kOsxsave = 1u << 27, kApic = 1u << 9;
    out[2] = cpu_.cr4 & cr4::kOsxsave ? out[2] | kOsxsave : out[2] & ~kOsxsave;
    // Also where the APIC is user space's.
    if (!(cpu_.apic_base & irqchip::kApicBaseEnabled)) out[3] &= ~kApic;
  }
}

uint64_t Machine::read_tsc() { return hardware::read_tsc() + cpu_.tsc_offset; }

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

void Machine::descriptor_table_written() { pending_.tables = true; }

uint64_t Machine::read_cr8() { return devices_.cr8(); }

void Machine::write_cr8(uint64_t value) { devices_.set_cr8(value); }

bool Machine::read_system(Gva from, void* to, unsigned size, Gpa* page) {
  auto* bytes = static_cast<uint8_t*>(to);
  for (unsigned done = 0; done < size;) {
    const Gva at = Gva((from.raw() + done) & 0xffffffff);
    host_.work(kWalkWork);
    const paging::Walk walk = mmu_.peek(at);
    if (!walk.ok) return false;
    Hpa hpa;
    paging::GuestPointer va;
    const Backing backing = memory_.page(walk.gpa.page(), &hpa, &va);
    if (!paging::has_memory(backing)) return false;
    if (!done) *page = walk.gpa.page();
    const uint64_t room = kPageSize - at.offset();
    const unsigned now = room < size - done ? static_cast<unsigned>(room) : size - done;
    memcpy(bytes + done, va.in(memory_) + at.offset(), now);
    done += now;
  }
  return true;
}

void Machine::trace_descriptors(Gpa page, bool on) {
  if (on)
    mmu_.trace_write(page, shadowmmu::kTraceDescriptorTable);
  else
    mmu_.untrace(page, shadowmmu::kTraceDescriptorTable);
}

}  // namespace ring1::monitor
