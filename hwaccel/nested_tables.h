// SPDX-License-Identifier: GPL-2.0-only
// Four levels of tables from guest physical to host physical addresses, in the format of EPT or of nested paging. They
// are filled as the guest touches its memory; a missing entry makes the processor come to us.
#pragma once

#include <cstdint>

#include "base/address.h"
#include "paging/page_source.h"

namespace ring1::hwaccel {

// A Format names the bits: see vmx/ept_format.h.
template <class Format>
class NestedTables {
 public:
  static constexpr unsigned kLevels = 4, kIndexBits = 9, kEntries = 1u << kIndexBits;
  static constexpr uint64_t kLargeBytes = kPageSize << kIndexBits;
  static constexpr uint64_t kSpan = kPageSize << (kLevels * kIndexBits);

  struct Mapping {
    Hpa hpa;  // of the byte
    bool writable, dirty, large;
  };

  explicit NestedTables(paging::PageSource& source) : source_(source) {}

  // False: out of memory.
  [[nodiscard]] bool init() { return source_.allocate(&root_); }
  Hpa root() const { return root_.hpa; }

  // Maps a page; true: done. Replaces what was there, which is for the caller to flush.
  [[nodiscard]] bool map(Gpa gpa, Hpa hpa, bool write) { return set(gpa, kPageLevel, Format::leaf(hpa, write, false)); }
  // The same for 2 MiB, both addresses aligned to it. False also if smaller pages are mapped there.
  [[nodiscard]] bool map_large(Gpa gpa, Hpa hpa, bool write) {
    return set(gpa, kLargeLevel, Format::leaf(hpa, write, true));
  }
  // There is a device: accesses come to us by the format's quickest way.
  [[nodiscard]] bool map_device(Gpa gpa) { return set(gpa, kPageLevel, Format::kDevice); }

  // Nothing is mapped there afterwards; a large page that only partly lies there goes as a whole. True: something was.
  bool unmap(Gpa first, uint64_t pages) {
    return each(first, pages, [](uint64_t entry) { return entry ? uint64_t{0} : entry; });
  }
  // Takes the right to write (read-only slots, dirty logging). True: something had it.
  bool protect(Gpa first, uint64_t pages) {
    return each(first, pages, [](uint64_t entry) { return Format::present(entry) ? Format::protect(entry) : entry; });
  }

  bool lookup(Gpa gpa, Mapping* out) const {
    unsigned level;
    const uint64_t* entry = find(gpa, &level);
    if (!entry || !Format::present(*entry)) return false;
    const uint64_t inside = gpa.raw() & ((kPageSize << (level * kIndexBits)) - 1);
    *out = {.hpa = Hpa((Format::frame(*entry) & ~(level ? kLargeBytes - 1 : 0)) + inside),
            .writable = Format::writable(*entry),
            .dirty = Format::dirty(*entry),
            .large = level != kPageLevel};
    return true;
  }
  bool is_device(Gpa gpa) const {
    unsigned level;
    const uint64_t* entry = find(gpa, &level);
    return entry && Format::device(*entry);
  }

  uint64_t tables() const { return tables_; }

 private:
  static constexpr unsigned kPageLevel = 0, kLargeLevel = 1;

  static constexpr unsigned shift_of(unsigned level) { return kPageShift + level * kIndexBits; }
  static constexpr unsigned index_of(Gpa gpa, unsigned level) { return gpa.raw() >> shift_of(level) & (kEntries - 1); }

  // All tables lie where the source put them, at a constant distance from their physical address.
  uint64_t* entries(Hpa table) const {
    return reinterpret_cast<uint64_t*>(reinterpret_cast<uint64_t>(root_.va) + (table.raw() - root_.hpa.raw()));
  }

  // The entry that maps gpa, or the highest one that is missing.
  uint64_t* find(Gpa gpa, unsigned* level) const {
    if (!root_.va || gpa.raw() >= kSpan) return nullptr;
    auto* table = static_cast<uint64_t*>(root_.va);
    for (*level = kLevels - 1;; --*level) {
      uint64_t* entry = &table[index_of(gpa, *level)];
      if (*level == kPageLevel || !Format::present(*entry) || (*level <= kLargeLevel && Format::large(*entry)))
        return entry;
      table = entries(Hpa(Format::frame(*entry)));
    }
  }

  bool set(Gpa gpa, unsigned level, uint64_t value) {
    if (!root_.va || gpa.raw() >= kSpan) return false;
    auto* table = static_cast<uint64_t*>(root_.va);
    for (unsigned at = kLevels - 1; at > level; --at) {
      uint64_t* entry = &table[index_of(gpa, at)];
      if (at == kLargeLevel && Format::large(*entry)) *entry = 0;  // split on demand
      if (!Format::present(*entry)) {
        paging::Page page;
        if (!source_.allocate(&page)) return false;
        *entry = Format::table(page.hpa);
        ++tables_;
      }
      table = entries(Hpa(Format::frame(*entry)));
    }
    uint64_t* entry = &table[index_of(gpa, level)];
    if (level == kLargeLevel && Format::present(*entry) && !Format::large(*entry)) return false;
    *entry = value;
    return true;
  }

  template <class Change>
  bool each(Gpa first, uint64_t pages, Change change) {
    bool changed = false;
    Gpa at = first.page();
    const uint64_t left = kSpan >> kPageShift;
    const Gpa end = at + ((pages < left ? pages : left) << kPageShift);
    while (at < end && at.raw() < kSpan) {
      unsigned level;
      uint64_t* entry = find(at, &level);
      const uint64_t value = change(*entry);
      changed |= value != *entry;
      *entry = value;
      const uint64_t span = uint64_t{1} << shift_of(level);
      at = Gpa((at.raw() & ~(span - 1)) + span);
    }
    return changed;
  }

  paging::PageSource& source_;
  paging::Page root_;
  uint64_t tables_ = 0;
};

}  // namespace ring1::hwaccel
