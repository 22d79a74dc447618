// SPDX-License-Identifier: GPL-2.0-only
// Linear memory: in pieces, a page each, RAM or a device.
#include "monitor/vcpu/machine.h"
#include "monitor/world/freestanding.h"
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

bool Machine::write_ram(Gpa gpa, const void* from, unsigned size) {
  Hpa hpa;
  paging::GuestPointer va;
  if (gpa.offset() + size > kPageSize || memory_.known(gpa.page(), &hpa, &va) != Backing::kRam) return false;
  write_memory(gpa, va.in(memory_) + gpa.offset(), from, size);
  return true;
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

}  // namespace ring1::monitor
