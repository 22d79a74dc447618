// SPDX-License-Identifier: GPL-2.0-only
// Shadow page tables: the guest's 2-level, PSE and PAE paging (or none) onto 64-bit long-mode tables.
#pragma once

#include <cstdint>

#include "base/address.h"
#include "base/assert.h"
#include "emulator/machine.h"

namespace ring1::shadowmmu {

// A page of the monitor's memory, usable as a page table.
struct Page {
  Hpa hpa;
  void* va = nullptr;
};

class PageSource {
 public:
  virtual bool allocate(Page* page) = 0;  // zeroed; false: out of memory (then the MMU recycles its own pages)
  virtual void release(Page page) = 0;

 protected:
  ~PageSource() = default;
};

enum class Backing : uint8_t {
  kRam,
  kClean,  // RAM whose writes are logged: ask page_for_write() before each first one
  kReadOnly,
  kDevice,
  kBlocked,
};
constexpr bool has_memory(Backing backing) { return backing <= Backing::kReadOnly; }

// Where the monitor finds a guest page. It is good until memory goes the next time, which may be in any call that leads
// to the host; whoever uses it knows the memory it is of, and dies if it is older than that.
class GuestPointer {
 public:
  GuestPointer() = default;
  GuestPointer(void* memory, uint64_t generation) : memory_(static_cast<uint8_t*>(memory)), generation_(generation) {}
  bool is_good(const class GuestMemory& memory) const;
  uint8_t* in(const GuestMemory& memory) const;

 private:
  uint8_t* memory_ = nullptr;
  uint64_t generation_ = 0;
};

class GuestMemory {
 public:
  // What lies at a guest physical page. If it has memory, *hpa and *va are set (the host finds it on demand). An *hpa
  // that was put into a table is found there when its page goes, and taken out before the guest runs.
  virtual Backing page(Gpa page, Hpa* hpa, GuestPointer* va) = 0;
  // The same just before a write: never kClean.
  virtual Backing page_for_write(Gpa page, Hpa* hpa, GuestPointer* va) { return this->page(page, hpa, va); }
  // The same without any work for the host: kBlocked if the page was not asked for yet. Entries filled ahead of their
  // use ask here; without it none are.
  virtual Backing known(Gpa page, Hpa* hpa, GuestPointer* va) {
    (void)page, (void)hpa, (void)va;
    return Backing::kBlocked;
  }
  // Advanced when memory went, or the right to write to it.
  uint64_t generation() const { return generation_; }

 protected:
  ~GuestMemory() = default;
  uint64_t generation_ = 0;
};

inline bool GuestPointer::is_good(const GuestMemory& memory) const { return generation_ == memory.generation(); }
inline uint8_t* GuestPointer::in(const GuestMemory& memory) const {
  RING1_ASSERT(is_good(memory));
  return memory_;
}

// Invalidation of the processor's TLB for the current world.
class Tlb {
 public:
  virtual void flush_page(Gva page) = 0;
  virtual void flush_all() = 0;

 protected:
  ~Tlb() = default;
};

struct PagingMode {
  bool paging = false, pse = false, pae = false, nxe = false, wp = false, pge = false;
  // Known to the walker of the guest's tables; shadow tables are made for 32-bit guests without them.
  bool long_mode = false;  // EFER.LMA: four levels of tables, five with LA57
  bool la57 = false, gigabyte_pages = false, smep = false, smap = false;
  uint8_t physical_bits = 36;  // reserved-bit checks
  bool operator==(const PagingMode&) const = default;
};

struct Access {
  bool write = false, user = false, fetch = false;
  bool ac = false;  // an instruction's own access at CPL below 3 with EFLAGS.AC: SMAP does not hold
};

// PAE's page-directory-pointer registers: MOV to CR3 and changes of PG, PAE, PSE and PGE load them from memory,
// changes of WP and NXE do not (SDM 3A 4.4.1).
enum class Pointers : uint8_t { kLoad, kKeep };

// What the guest has in a range of its linear addresses, the worst last.
enum class Cover : uint8_t {
  kFree,
  kNoRam,  // only large pages without RAM behind them, and not the APICs: a map of everything
  kUsed,   // a small page is mapped on purpose, whatever is behind it
};

// One walk of the guest's tables, and the entries it depended on.
struct Walk {
  bool ok = false;
  emulator::Fault fault{};  // if !ok
  Gpa gpa;                  // of the byte
  uint64_t page_bytes = 4096;
  static constexpr unsigned kMaxLevels = 5;
  struct Entry {
    Gpa where;
    uint64_t value;
  } entries[kMaxLevels];
  uint8_t entry_count = 0;
  bool writable = false, user = false, no_execute = false, global = false, dirty = false;
  bool blocked = false;  // !ok because the host could not supply a table's page
};

enum class FaultKind : uint8_t {
  kHidden,  // the shadow was filled or corrected: retry
  kGuest,   // deliver *fault
  kDevice,  // no RAM there: emulate the instruction
  kTraced,  // a write to a traced page or read-only slot: emulate the instruction (then guest_wrote())
  kHole,    // the guest has a mapping under the hole and touched it
  kBlocked,
};

struct FaultResult {
  FaultKind kind;
  emulator::Fault fault{};
  Gpa gpa;
};

// Why writes to a guest page are traced; a set of bits per page. The MMU itself sets the first three.
enum TraceReason : uint8_t {
  kTracePageTable = 1,   // it is shadowed
  kTraceHole = 2,        // it covers the hole without mapping anything there
  kTraceDependency = 4,  // translations depend on entries in it, see ShadowMmu::depend()
  kTraceCode = 8,
  kTraceDescriptorTable = 16,
};

// Told when translations may have become wrong. Called in the middle of updates: only take notes.
class Listener {
 public:
  virtual void code_written(Gpa where, unsigned size) { (void)where, (void)size; }  // bytes of a page traced for code changed
  virtual void code_mapping_changed(Gpa entry) { (void)entry; }  // a guest page-table entry that a code page depends on changed
  // A page with such entries is no longer watched: everything that depends on one of them is in doubt.
  virtual void code_table_lost(Gpa page) {
    for (uint64_t at = 0; at < kPageSize; at += 4) code_mapping_changed(page + at);
  }
  // About so many instructions have been spent in a loop whose length the guest decides. Whoever runs with interrupts off
  // may let them in; nothing here may change meanwhile.
  virtual void worked(unsigned instructions) { (void)instructions; }

 protected:
  ~Listener() = default;
};

}  // namespace ring1::shadowmmu
