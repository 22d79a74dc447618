// SPDX-License-Identifier: GPL-2.0-only
// The translation cache of one virtual processor. The guest is stopped while any of this runs.
//
// The rule for the caller: a fragment pointer, and a position in the cache at which the guest was stopped, are good
// only while generation() is unchanged. insert() may evict any fragment, the one the guest is stopped in
// included: recover the guest's state from a fragment first, and look its EIP up again afterwards.
#pragma once

#include <cstdint>

#include "tcache/code_space.h"
#include "tcache/mappings.h"
#include "tcache/return_table.h"
#include "tcache/slab.h"
#include "tcache/stats.h"

namespace ring1::tcache {

using translator::Mode;
using translator::Translation;

// Walks the guest's page tables as an instruction fetch does.
class Walker {
 public:
  // *out is filled as far as the walk came, also if it failed (then false). A page that must not be executed fails.
  virtual bool walk(Gva page, MappedPage* out) = 0;

 protected:
  ~Walker() = default;
};

// The miss stub is one INT kIndirectMiss at offset 0. State there: the target's EIP at [ESP], and ECX, which the
// inline sequence uses, spilled at [ESP - 8].
inline constexpr translator::MapEntry kMissStubState = {.code_offset = 0,
                                                        .guest_offset = 0,
                                                        .eip = translator::MapEntry::Eip::kAtStack,
                                                        .ecx_spilled = true,
                                                        .ecx_disp = -8,
                                                        .esp_delta = 4,
                                                        .eip_disp = 0};

class TranslationCache {
 public:
  TranslationCache(const Region& region, Allocator& allocator, Environment& environment);
  TranslationCache(const TranslationCache&) = delete;
  TranslationCache& operator=(const TranslationCache&) = delete;
  ~TranslationCache();

  [[nodiscard]] bool init();  // once, before all else; false: out of memory

  // The return table holds targets of one mode. Call before entering translated code of `mode`.
  void activate(const Mode& mode);

  // nullptr: not there, or its page is suspended (then walk, and try again after note_mapping()).
  Fragment* lookup(uint32_t eip, const Mode& mode);

  // `pages`: where the unit's bytes came from, one entry per linear page, in order. Replaces a fragment of
  // the same key. nullptr: no memory even after evicting everything.
  Fragment* insert(uint32_t eip, const Mode& mode, const Translation& unit, const MappedPage* pages,
                   unsigned page_count);

  // The fragment that holds this position; nullptr: none (the miss stub, or free space).
  Fragment* find(TcOffset position, unsigned* offset);
  bool is_miss_stub(TcOffset position) const { return position.raw() < kMissStubBytes; }

  // Lets the exit branch straight to `target`, which must be its target in the same mode; else false.
  bool link(Fragment* fragment, unsigned exit, Fragment* target);
  void unlink(Fragment* fragment, unsigned exit);
  // Lets returns and indirect branches to the fragment's EIP find it, after a miss.
  void publish(Fragment* fragment);

  // Each returns how many fragments it dropped.
  unsigned invalidate_bytes(Gpa where, unsigned size);  // guest code was written
  unsigned invalidate_page(Gpa page);
  unsigned invalidate_linear(Gva page);               // INVLPG, or anything else about this linear page
  unsigned entry_changed(Gpa entry, Walker& walker);  // this page-table entry: walks what depended on it
  unsigned revalidate_everything(Walker& walker);     // any of them: one walk per page of code
  // The current mapping of a page: drops fragments from elsewhere, wakes a suspended page. insert() does it too.
  unsigned note_mapping(const MappedPage& page);
  // After a load of CR3: drops what is mapped elsewhere now, suspends what is not mapped. Cost: one walk per 2 MiB
  // of code if nothing changed. After a change of the paging mode itself use flush().
  unsigned revalidate(Walker& walker);
  void flush();
  void rebase(uint32_t exec_base);  // the hole has moved, with all that is in it

  // Is there code on this page, so that it must stay traced?
  bool has_code(Gpa page) const { return mappings_.find_page(page) != nullptr; }
  // Does a code page depend on this page-table entry?
  bool depends_on(Gpa entry) const;

  uint64_t generation() const { return generation_; }
  uint32_t exec_base() const { return region_.exec_base; }
  uint32_t exec_address(TcOffset at) const { return region_.exec_base + static_cast<uint32_t>(at.raw()); }
  bool contains(uint32_t linear, TcOffset* at) const {
    *at = TcOffset(linear - region_.exec_base);
    return linear - region_.exec_base < region_.size;
  }
  const Stats& stats() const { return stats_; }

  // Every invariant that ties the records together. For tests: slow.
  bool check() const;

 private:
  static constexpr uint32_t kMissStubBytes = 2;
  static constexpr unsigned kMaxDependents = 16;  // on one entry; more are rare and cost a walk of everything

  uint32_t return_address(const Fragment& fragment, unsigned offset) const {
    return region_.exec_base + fragment.start + offset;
  }
  bool is_suspended(const Fragment& fragment) const;
  Fragment* find_key(uint32_t eip, const Mode& mode) const;
  Fragment* build(uint32_t eip, const Mode& mode, const Translation& unit, const MappedPage* pages,
                  unsigned page_count);
  bool attach(Fragment* fragment, const MappedPage* pages, unsigned page_count);
  void enter(Fragment* fragment, const Translation& unit, uint32_t start);
  Mapping* map(const MappedPage& page);
  bool evict();
  // Records may take this many pages, so that the size says how much memory a cache can cost in all. Debian's kernels
  // need four times their code's size.
  size_t record_pages() const { return (region_.size / kPageSize) * 4 + 128; }

  void destroy(Fragment* fragment);
  void release(Fragment* fragment);
  void isolate(Fragment* fragment);  // nothing reaches it any more
  void patch(const Exit& exit);
  void link_new(Fragment* fragment, uint8_t* code);
  unsigned drop_mapping(Mapping* mapping);
  unsigned drop_active(Span* span);
  void suspend(Mapping* mapping);
  unsigned revalidate(Span* span, Walker& walker);
  unsigned revalidate(Mapping* mapping, Walker& walker);
  unsigned revalidate_mappings(Span* span, Walker& walker);

  bool check_fragment(const Fragment& fragment) const;
  bool check_table() const;

  Region region_;
  Allocator& allocator_;
  Environment& environment_;
  Slab slab_;
  CodeSpace code_;
  ReturnTable table_;
  Mappings mappings_;
  HashIndex<Fragment> by_key_;
  PageArray<Fragment*> by_page_;  // fragments that start on a code page, the later first
  Mode active_;
  uint64_t generation_ = 0;
  Stats stats_;
};

}  // namespace ring1::tcache
