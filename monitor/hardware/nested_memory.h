// SPDX-License-Identifier: GPL-2.0-only
// Guest memory behind nested tables (NPT, EPT): filled at faults, write-protected where the host asks first.
#pragma once

#include "hwaccel/nested_tables.h"
#include "monitor/board/guest_memory.h"

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
    paging::GuestPointer va;
    const Gpa page = where.page();
    const paging::Backing backing = write ? memory_.page_for_write(page, &hpa, &va) : memory_.page(page, &hpa, &va);
    if (backing == paging::Backing::kBlocked) return NestedFault::kBlocked;
    if (!paging::has_memory(backing) || (write && backing != paging::Backing::kRam)) return NestedFault::kEmulate;
    if (!tables_.map(page, hpa, backing == paging::Backing::kRam)) return NestedFault::kNoTables;
    map_neighbours(page);
    return NestedFault::kMapped;
  }

  // A page that fault() wanted emulated, unless it is a read-only slot's: the format's quickest way for the next
  // access.
  void mark_device(Gpa where) {
    Hpa hpa;
    paging::GuestPointer va;
    if (memory_.known(where.page(), &hpa, &va) == paging::Backing::kBlocked) (void)tables_.map_device(where.page());
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
      paging::GuestPointer va;
      const paging::Backing backing = memory_.known(page + offset, &hpa, &va);
      if (!paging::has_memory(backing)) return;
      if (!tables_.map(page + offset, hpa, backing == paging::Backing::kRam)) return;
    }
  }

  GuestMemory& memory_;
  hwaccel::NestedTables<Format> tables_;
};

}  // namespace ring1::monitor
