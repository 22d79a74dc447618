// SPDX-License-Identifier: GPL-2.0-only
// Guest memory behind nested tables (NPT, EPT): filled at faults, write-protected where the host asks first.
#pragma once

#include "hwaccel/nested_tables.h"
#include "monitor/guest_memory.h"

namespace ring1::monitor {

enum class NestedFault : uint8_t {
  kMapped,    // the access may be done now
  kEmulate,   // a device, or a write to a read-only slot
  kBlocked,   // the host could not supply the page
  kNoTables,  // or not the tables
};

template <class Format>
class NestedMemory {
 public:
  NestedMemory(PagePool& pool, GuestMemory& memory) : memory_(memory), tables_(pool) {}

  // False: out of memory.
  [[nodiscard]] bool init() { return tables_.init(); }
  Hpa root() const { return tables_.root(); }
  hwaccel::NestedTables<Format>& tables() { return tables_; }

  NestedFault fault(Gpa where, bool write) {
    Hpa hpa;
    shadowmmu::GuestPointer va;
    const Gpa page = where.page();
    const shadowmmu::Backing backing = write ? memory_.page_for_write(page, &hpa, &va) : memory_.page(page, &hpa, &va);
    if (backing == shadowmmu::Backing::kBlocked) return NestedFault::kBlocked;
    if (!shadowmmu::has_memory(backing) || (write && backing != shadowmmu::Backing::kRam)) return NestedFault::kEmulate;
    if (!tables_.map(page, hpa, backing == shadowmmu::Backing::kRam)) return NestedFault::kNoTables;
    map_neighbours(page);
    return NestedFault::kMapped;
  }

  // A page that fault() wanted emulated, unless it is a read-only slot's: the format's quickest way for the next
  // access.
  void mark_device(Gpa where) {
    Hpa hpa;
    shadowmmu::GuestPointer va;
    if (memory_.known(where.page(), &hpa, &va) == shadowmmu::Backing::kBlocked) (void)tables_.map_device(where.page());
  }

  // True: the processor's translations must be flushed.
  bool forget(uint64_t gfn, uint64_t count) { return tables_.unmap(Gpa(gfn << kPageShift), count); }
  bool log_dirty(uint64_t gfn, uint64_t count) { return tables_.protect(Gpa(gfn << kPageShift), count); }

 private:
  // Pages are found several at a time; those that came along are mapped now.
  void map_neighbours(Gpa page) {
    constexpr uint64_t kBlock = RING1_PIN_MAX * kPageSize;
    for (uint64_t offset = kPageSize; offset < kBlock; offset += kPageSize) {
      Hpa hpa;
      shadowmmu::GuestPointer va;
      const shadowmmu::Backing backing = memory_.known(page + offset, &hpa, &va);
      if (!shadowmmu::has_memory(backing)) return;
      if (!tables_.map(page + offset, hpa, backing == shadowmmu::Backing::kRam)) return;
    }
  }

  GuestMemory& memory_;
  hwaccel::NestedTables<Format> tables_;
};

}  // namespace ring1::monitor
