// SPDX-License-Identifier: GPL-2.0-only
// The shadow MMU of one virtual processor. It makes the level-2 and level-1 tables of the guest's 4 GiB; the monitor
// owns the levels above and installs the four directories. A shadow is cached per guest table and kept right by
// tracing writes to that table, so a load of CR3 throws nothing away.
#pragma once

#include "shadowmmu/fault.h"
#include "shadowmmu/hole.h"
#include "shadowmmu/listener.h"
#include "shadowmmu/page_info.h"
#include "shadowmmu/reverse_map.h"
#include "shadowmmu/shadow_pool.h"

namespace ring1::shadowmmu {

struct Limits {
  uint32_t max_shadow_pages = 4096;  // each costs two pages of memory
  uint8_t prefetch = 4;              // entries looked at around a fault, a power of two, 1 = none
  uint8_t prefetch_large = 32;       // the same within a guest large page or without paging
  uint8_t flood_run = 8;             // writes to neighbouring entries that make a page lose its shadow
  uint16_t flood_writes = 64;        // the same for any writes without a use in between
};

struct Stats {
  uint64_t mmu_shadow_pages = 0, mmu_entries_filled = 0, mmu_prefetched = 0, mmu_table_writes = 0, mmu_zapped_pages = 0;
};

class ShadowMmu {
 public:
  ShadowMmu(PageSource& source, GuestMemory& memory, Tlb& tlb, Listener& listener, const Limits& limits = {});
  // Before anything else: paging off, the four directories exist. False: out of memory.
  [[nodiscard]] bool init();
  void release();  // gives all memory back; only init() may follow
  // Off: the processor walks the guest's tables itself (nested paging), here they are only read for translate() and
  // peek(). The next set_mode() acts upon it.
  void set_shadowing(bool on);

  // Mode and address space; physical_bits must not change once there is paging. kGeneralProtection (a reserved bit in a
  // PAE pointer) and kBlocked change nothing.
  enum class Load : uint8_t { kOk, kGeneralProtection, kBlocked };
  [[nodiscard]] Load set_mode(const PagingMode& mode, uint64_t cr3, Pointers pointers = Pointers::kLoad);
  Load check_mode(const PagingMode& mode, uint64_t cr3) const;  // what the guest's own tables say to it
  [[nodiscard]] Load load_cr3(uint64_t cr3) { return set_mode(walker_.mode(), cr3); }
  // The four directories to install, one per GiB; changed whenever generation() did (look after every call that
  // can make shadow pages: set_mode, load_cr3, fault, forget, set_hole).
  const Hpa* page_directories() const { return directories_; }
  uint32_t generation() const { return generation_; }

  FaultResult fault(Gva address, uint32_t error_code);
  Walk translate(Gva address, Access access);  // for the emulator: sets A and D
  Walk peek(Gva address) const { return walker_.walk(wrap(address), {}); }

  // INVLPG and flushes: tables are traced, so only the processor's TLB is out of date.
  void invlpg(Gva address);
  void flush_all();
  void tlb_flushed() {
    stale_ = stale_large_ = need_flush_ = false;
  }  // CR3 was reloaded for another reason, as after a world switch

  // Traces. False: out of memory.
  bool trace_write(Gpa page, TraceReason reason);
  void untrace(Gpa page, TraceReason reason);
  uint8_t reasons(Gpa page) const;
  // Translations depend on this guest entry (one of Walk::entries): its writes will be told to the Listener.
  bool depend(Gpa entry) { return trace_write(entry.page(), kTraceDependency); }
  // The monitor has stored to guest memory, for the guest or for itself. Cheap if nothing there is traced.
  void guest_wrote(Gpa where, unsigned size);
  // Lets the guest write to a page-table page natively: its shadows go. False if it must stay traced, because it is
  // an active directory or there are other reasons than page tables.
  bool unprotect(Gpa page);
  // These guest pages are logged and clean now (Backing::kClean): nothing maps them writable any more.
  void log_dirty(Gpa first, uint64_t pages);
  // The backing of these guest pages changes or goes away.
  void forget(Gpa first, uint64_t pages);

  // The hole; count 0: none. False: bad place.
  [[nodiscard]] bool set_hole(Gva base, const HoleTable* tables, unsigned count);
  const Hole& hole() const { return hole_; }
  bool hole_collides() const { return hole_collides_; }  // the active address space maps something under it
  // There is no better place: hole_collides() is silent until something under the hole changes.
  void accept_hole();
  Cover hole_cover() const { return scan(hole_.base(), hole_.bytes(), true).cover; }
  bool range_is_free(Gva base, uint64_t bytes) const { return walker_.scan(base, bytes).cover == Cover::kFree; }
  // The highest place that ends at or below `top`, starts at or above `bottom` and has nothing worse than `worst`.
  bool find_hole(uint64_t bytes, Gva bottom, Gva top, Cover worst, Gva* base) const;

  Stats stats() const;
  // For tests: null, or what is wrong.
  const char* check() const;

 private:
  friend class Checker;
  // Outside long mode linear addresses have 32 bits.
  Gva wrap(Gva address) const { return walker_.mode().long_mode ? address : Gva(address.raw() & 0xffff'ffff); }
  struct Leaf {
    bool write, user, no_execute, dirty;
  };

  // mmu.cpp: roots
  bool load_roots();
  unsigned directory_for(unsigned slot);
  void settle();  // at the end of every public operation: flushes the TLB if something asked for it
  uint8_t role_mode() const;

  // mmu_pages.cpp: life of shadow pages and entries
  PageInfo* info_for(uint64_t frame);
  unsigned find(const PageInfo& info, Role role) const;
  unsigned find_or_create(uint64_t frame, Role role);
  bool recycle();
  bool guest_entry(ShadowPage& page, unsigned index, uint64_t* value) const;
  void zap(unsigned index);
  void zap_all_of(PageInfo* info, uint64_t frame, bool keep_roots);
  void drop_leaf(Handle handle);
  void drop_link(Handle handle);
  void install_hole(ShadowPage& directory);

  // mmu_fault.cpp
  FaultResult fill(const GuestWalk& walk, Gva address, Access access, uint64_t generation);
  unsigned table_for(const GuestWalk& walk, Gva address);
  void link_table(Handle parent, unsigned table, Gva address);
  uint64_t leaf_value(Leaf rights, bool protect, bool wp, bool supervisor_write) const;
  void set_leaf(Handle handle, PageInfo& info, uint64_t frame, uint64_t value);
  void mark(GuestWalk* walk, bool write);
  void note_use(const Walk& walk);

  // mmu_prefetch.cpp
  void prefetch(unsigned table, unsigned position);
  bool fill_known(unsigned table, unsigned position);

  // mmu_trace.cpp, mmu_write.cpp
  void protect(PageInfo& info);
  bool release_from_user(PageInfo* info, uint64_t frame);
  void lose_dependency(PageInfo* info, Gpa page);
  void wrote_in_page(Gpa where, unsigned size);
  void wrote_table(PageInfo* info, Gpa where, unsigned size);
  bool refresh(unsigned index, unsigned guest_index);
  bool refresh_entry(unsigned index, unsigned position);
  bool is_flood(PageInfo* info, Gpa where, unsigned size, bool used) const;
  bool forget_page(uint64_t frame);
  void empty_root(unsigned index);

  // mmu_hole.cpp
  RangeScan scan(Gva from, uint64_t bytes, bool behind = false) const;
  void look_under_hole();
  void hole_table_written(PageInfo* info);

  GuestMemory& memory_;
  Tlb& tlb_;
  Listener& listener_;
  Limits limits_;
  PageSource& source_;
  ShadowPool pool_;
  PageInfos infos_;
  ReverseMap reverse_;
  GuestWalker walker_;
  Hole hole_;
  unsigned roots_[4] = {};
  Hpa directories_[4];
  uint32_t generation_ = 0;
  uint32_t hole_epoch_ = 1;
  bool hole_collides_ = false;
  bool shadowing_ = true;
  bool stale_ = false;        // the TLB may hold translations that the shadows no longer do
  bool stale_large_ = false;  // the same for a whole piece of a large page
  bool need_flush_ = false;
  Stats stats_;
};

}  // namespace ring1::shadowmmu
