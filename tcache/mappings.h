// SPDX-License-Identifier: GPL-2.0-only
// Which guest pages hold code that was translated, where they are mapped, and on which entries of the guest's page
// tables that depends. One address space is current at a time; a code page that it does not map is *suspended*:
// its fragments are kept but not to be reached until the page is seen mapped to the same place again.
//
//   Span (2 MiB of linear space) -- Mapping (linear page -> physical page) -- Part (bytes of one fragment)
//                                      CodePage (physical page) --^
#pragma once

#include <cstdint>

#include "tcache/fragment.h"
#include "tcache/hash_index.h"
#include "tcache/slab.h"

namespace ring1::tcache {

inline constexpr unsigned kMaxUpper = 3;

// One step of a walk of the guest's page tables.
struct TableEntry {
  Gpa where;
  uint64_t value = 0;
};

// A linear page and the walk that found its physical page, root first. No paging: no entries, gpa = linear.
// After a walk that failed: the entries seen so far, the last of them not present.
struct MappedPage {
  Gva gva;
  Gpa gpa;
  TableEntry entries[kMaxUpper + 1];
  uint8_t entry_count = 0;
  uint8_t upper_count = 0;  // how many of them lie above the tables of 4 KiB pages; a large page's own entry does
};

// What of an entry decides about a code page: present, user, large page, address, no-execute; not A, D, writable.
inline constexpr uint64_t kEntryMask = 0x800ffffffffff085u;

struct Span;

struct Dependency {
  TableEntry entry;
  Span* span = nullptr;  // one of the two
  Mapping* mapping = nullptr;
  Dependency* hash_next = nullptr;
};

struct CodePage {
  Gpa page;
  Mapping* mappings = nullptr;
  CodePage* hash_next = nullptr;
};

struct Span {
  uint64_t number = 0;  // linear address >> kSpanShift
  Dependency upper[kMaxUpper];
  uint8_t upper_count = 0;
  uint32_t pins = 0;
  Mapping* mappings = nullptr;
  Link<Span> in_all;
  Span* hash_next = nullptr;
};

struct Mapping {
  Gva gva;
  CodePage* page = nullptr;
  Span* span = nullptr;
  Dependency leaf;
  bool has_leaf = false;
  bool suspended = false;
  uint32_t pins = 0;  // kept although no fragment is left
  Part* parts = nullptr;
  Link<Mapping> in_page, in_span;
  Mapping* hash_next = nullptr;
};

class Mappings {
 public:
  static constexpr unsigned kSpanShift = 21;

  Mappings(Slab& slab, Environment& environment) : slab_(slab), environment_(environment) {}
  [[nodiscard]] bool init(Allocator& allocator);

  Mapping* find(Gva page) const;
  CodePage* find_page(Gpa page) const;
  Span* find_span(Gva page) const;
  Span* first_span() const { return spans_; }
  Dependency* first_dependency(Gpa where) const { return dependencies_.first(where.raw()); }

  // A mapping without fragments, active, pinned once; nullptr: out of memory.
  Mapping* create(const MappedPage& page);

  void pin(Mapping* mapping) { ++mapping->pins; }
  void unpin(Mapping* mapping);  // frees what nobody uses
  void pin(Span* span) { ++span->pins; }
  void unpin(Span* span);

  void add_part(Mapping* mapping, Part* part);
  void remove_part(Part* part);

  static bool same_upper(const Span& span, const MappedPage& page);
  void set_upper(Span* span, const MappedPage& page);
  void set_leaf(Mapping* mapping, const MappedPage& page);
  void clear_leaf(Mapping* mapping);

 private:
  void depend(Dependency* dependency, const TableEntry& entry);
  void release_if_unused(Mapping* mapping);
  void release_if_unused(Span* span);

  Slab& slab_;
  Environment& environment_;
  HashIndex<Mapping> by_linear_;
  HashIndex<CodePage> by_physical_;
  HashIndex<Span> by_span_;
  HashIndex<Dependency> dependencies_;
  Span* spans_ = nullptr;
};

}  // namespace ring1::tcache
