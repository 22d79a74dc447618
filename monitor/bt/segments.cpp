// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/bt/segments.h"

#include "base/bits.h"
#include "monitor/bt/descriptor.h"
#include "monitor/world/freestanding.h"

namespace ring1::monitor {
namespace {

constexpr uint16_t kRplMask = 3, kTableBit = 4;
constexpr uint64_t kUnknown = ~uint64_t{0};
constexpr uint64_t kSharedAccess = 0x0040b30000000000;  // present, DPL 1, data, writable, accessed; 32-bit
constexpr uint64_t kLdtAccess = 0x0000820000000000;

bool is_private(uint16_t selector) { return selector >= RING1_SEL_GUEST_SEGMENT; }

bool same(const ring1_segment& a, const ring1_segment& b) {
  return a.selector == b.selector && a.base == b.base && a.limit == b.limit && a.access == b.access;
}

bool is_null(uint16_t selector) { return (selector & ~kRplMask) == 0; }

uint16_t with_rpl(uint16_t selector, unsigned ring) { return static_cast<uint16_t>(without(selector, kRplMask) | ring); }

}  // namespace

Segments::Segments(ring1_switch& page, ring1_cpu_state& cpu, GuestReader& reader)
    : page_(page), cpu_(cpu), reader_(reader) {
  gdt_.shadow = reinterpret_cast<uint64_t*>(page.shadow_gdt);
  gdt_.limit_entries = RING1_SEL_CODE64 >> 3;
  ldt_.shadow = reinterpret_cast<uint64_t*>(page.shadow_ldt);
  ldt_.limit_entries = RING1_GDT_BYTES / 8;
  uint64_t* slot = gdt_.shadow + (RING1_SEL_LDT >> 3);
  slot[0] = kLdtAccess | 0xffff | (page.shadow_ldt & 0xffffff) << 16 | (page.shadow_ldt >> 24 & 0xff) << 56;
  slot[1] = page.shadow_ldt >> 32;
}

void Segments::set_shared_segment(uint32_t base, uint32_t bytes) {
  const uint64_t limit = bytes - 1;
  gdt_.shadow[RING1_SEL_GUEST_SHARED >> 3] = kSharedAccess | (limit & 0xffff) | (limit >> 16 & 0xf) << 48 |
                                             uint64_t{base & 0xffffff} << 16 | uint64_t{base >> 24} << 56;
}

bool Segments::moved(const Table& table, uint64_t base, uint32_t bytes) {
  if (table.base != base || table.bytes != bytes) return true;
  const uint64_t first = base & kPageMask;
  for (unsigned i = 0; i < table.page_count; i++) {
    Gpa now;
    uint8_t probe;
    const uint64_t page = reader_.read_system(Gva(first + i * kPageSize), &probe, 1, &now) ? now.raw() : kUnknown;
    if (page != table.pages[i]) return true;
  }
  return false;
}

void Segments::fill(Table& table, uint64_t base, uint32_t bytes) {
  for (unsigned i = 0; i < table.page_count; i++)
    if (table.pages[i] != kUnknown) reader_.trace_descriptors(Gpa(table.pages[i]), false);
  memset(table.shadow, 0, table.shadowed * 8);
  table.base = base;
  table.bytes = bytes;
  table.shadowed = bytes / 8 < table.limit_entries ? bytes / 8 : table.limit_entries;
  table.page_count = 0;
  generation_++;
  if (!bytes) return;
  const uint64_t first = base & kPageMask;
  table.page_count = static_cast<unsigned>(((base + bytes - 1) / kPageSize) - first / kPageSize + 1);
  for (unsigned i = 0; i < table.page_count; i++) {
    Gpa page;
    uint8_t probe;
    table.pages[i] = reader_.read_system(Gva(first + i * kPageSize), &probe, 1, &page) ? page.raw() : kUnknown;
    // Trace before reading: nothing the guest writes from now on is missed.
    if (table.pages[i] != kUnknown) reader_.trace_descriptors(page, true);
  }
  for (uint32_t i = 0; i < table.shadowed; i++) {
    uint64_t guest;
    Gpa page;
    table.shadow[i] = reader_.read_system(Gva(base + i * 8), &guest, 8, &page) ? descriptor::shadow_of(guest) : 0;
  }
  // The other table may lie on a page whose trace was just dropped.
  const Table* const tables[] = {&gdt_, &ldt_};
  for (const Table* other : tables)
    for (unsigned i = 0; i < other->page_count; i++)
      if (other->pages[i] != kUnknown) reader_.trace_descriptors(Gpa(other->pages[i]), true);
}

void Segments::refresh(bool always) {
  const uint32_t gdt_bytes = cpu_.gdtr.base || cpu_.gdtr.limit ? uint32_t{cpu_.gdtr.limit} + 1 : 0;
  if (always || moved(gdt_, cpu_.gdtr.base, gdt_bytes)) fill(gdt_, cpu_.gdtr.base, gdt_bytes);
  const bool no_ldt = is_null(cpu_.ldtr.selector) || (cpu_.ldtr.access & RING1_AR_UNUSABLE);
  const uint32_t limit = cpu_.ldtr.limit < 0xffff ? cpu_.ldtr.limit : 0xffff;
  const uint32_t ldt_bytes = no_ldt ? 0 : limit + 1;
  const uint64_t ldt_base = no_ldt ? 0 : cpu_.ldtr.base;
  if (always || moved(ldt_, ldt_base, ldt_bytes)) fill(ldt_, ldt_base, ldt_bytes);
  page_.ldt_selector = ldt_bytes ? RING1_SEL_LDT : 0;
}

void Segments::written(Table& table, Gpa where, unsigned size) {
  for (unsigned i = 0; i < table.page_count; i++) {
    if (table.pages[i] != where.page().raw()) continue;
    // Linear address of the write, as seen through the table's own mapping of this page.
    const uint64_t linear = (table.base & kPageMask) + i * kPageSize + where.offset();
    if (linear + size <= table.base || linear >= table.base + table.bytes) continue;
    const uint64_t from = linear < table.base ? 0 : (linear - table.base) / 8;
    for (uint64_t n = from; n <= (linear + size - 1 - table.base) / 8 && n < table.shadowed; n++) {
      uint64_t guest;
      Gpa page;
      table.shadow[n] =
          reader_.read_system(Gva(table.base + n * 8), &guest, 8, &page) ? descriptor::shadow_of(guest) : 0;
    }
    generation_++;
  }
}

void Segments::written(Gpa where, unsigned size) {
  written(gdt_, where, size);
  written(ldt_, where, size);
}

uint64_t* Segments::entry(uint16_t selector) {
  Table& table = selector & kTableBit ? ldt_ : gdt_;
  const uint32_t index = selector >> 3;
  return index < table.shadowed ? &table.shadow[index] : nullptr;
}

uint16_t Segments::selector_for(SegmentRegister which, unsigned ring) {
  const ring1_segment& segment = cpu_.seg[which];
  Choice& known = chosen_[which][ring == 3];
  if (known.generation == generation_ && same(known.segment, segment)) return known.selector;
  const uint16_t selector = choose(which, ring);
  // What lies in a private slot depends on the ring that was asked for last.
  if (!is_private(selector)) known = {segment, generation_, selector};
  return selector;
}

uint16_t Segments::choose(SegmentRegister which, unsigned ring) {
  const ring1_segment& segment = cpu_.seg[which];
  if ((segment.access & RING1_AR_UNUSABLE) || !(segment.access & RING1_AR_P)) return 0;
  const uint64_t wanted = descriptor::shadow_of(descriptor::pack(segment) | descriptor::kAccessed);
  const uint64_t* shadow = is_null(segment.selector) ? nullptr : entry(segment.selector);
  const bool exact_rpl = which == kSs || which == kCs;
  if (shadow && *shadow == wanted) return exact_rpl ? with_rpl(segment.selector, ring) : segment.selector;
  // The descriptor is no longer in the guest's table, or never was: run with a private copy.
  const uint16_t slot = static_cast<uint16_t>(RING1_SEL_GUEST_SEGMENT + 8 * which);
  gdt_.shadow[slot >> 3] = wanted;
  if (exact_rpl && ring == 1)
    gdt_.shadow[slot >> 3] = (wanted & ~descriptor::kDpl) | uint64_t{1} << descriptor::kDplShift;
  return with_rpl(slot, ring);
}

bool Segments::are_own(const TrapBlock& block) {
  return !is_private(block.ds) && !is_private(block.es) && !is_private(block.fs);
}

bool Segments::load(TrapBlock& block, unsigned ring) {
  block.ds = loaded_[kDs] = selector_for(kDs, ring);
  block.es = loaded_[kEs] = selector_for(kEs, ring);
  block.fs = loaded_[kFs] = selector_for(kFs, ring);
  keep(block, ring);
  return are_own(block);
}

void Segments::keep(TrapBlock& block, unsigned ring) {
  block.ss = loaded_[kSs] = selector_for(kSs, ring);
  block.gs = loaded_[kGs] = ring == 1 ? RING1_SEL_GUEST_SHARED : selector_for(kGs, ring);
  block.cs = loaded_[kCs] = ring == 1 ? RING1_SEL_GUEST_CODE : selector_for(kCs, ring);
  synced_generation_ = generation_;
  wide_stack_ = cpu_.seg[kSs].access & RING1_AR_DB ? loaded_[kSs] : 0;
}

bool Segments::look_at_stack(uint16_t selector) {
  const bool ours = is_private(selector) && !(selector & kTableBit);
  const uint64_t* shadow = ours ? &gdt_.shadow[selector >> 3] : entry(selector);
  if (!shadow || !(*shadow & descriptor::kBig)) return false;
  wide_stack_ = selector;
  return true;
}

void Segments::adopt(SegmentRegister which, uint16_t selector) {
  ring1_segment& segment = cpu_.seg[which];
  if (selector >= RING1_SEL_GUEST_SEGMENT && (selector & ~kRplMask) == RING1_SEL_GUEST_SEGMENT + 8 * which)
    return;  // still the private copy
  if (is_null(selector)) {
    if (is_null(segment.selector) || !(segment.access & RING1_AR_UNUSABLE)) {
      segment = {};
      segment.selector = selector;
      segment.access = RING1_AR_UNUSABLE;
    }
    return;
  }
  if (selector == loaded_[which] && synced_generation_ == generation_) return;
  const Table& table = selector & kTableBit ? ldt_ : gdt_;
  uint64_t guest;
  Gpa page;
  if ((selector >> 3) >= table.shadowed || !reader_.read_system(Gva(table.base + (selector & ~7u)), &guest, 8, &page))
    return;
  descriptor::unpack(guest, selector, &segment);
  segment.access |= RING1_AR_ACCESSED;
}

bool Segments::unchanged(const TrapBlock& block, unsigned ring) const {
  if (synced_generation_ != generation_ || block.ds != loaded_[kDs] || block.es != loaded_[kEs] || block.fs != loaded_[kFs])
    return false;
  return ring == 1 || (block.gs == loaded_[kGs] && block.ss == loaded_[kSs] && block.cs == loaded_[kCs]);
}

void Segments::sync(const TrapBlock& block, unsigned ring) {
  if (unchanged(block, ring)) return;
  adopt(kDs, block.ds);
  adopt(kEs, block.es);
  adopt(kFs, block.fs);
  if (ring == 3) {
    adopt(kGs, block.gs);
    adopt(kSs, static_cast<uint16_t>(block.ss));
    adopt(kCs, static_cast<uint16_t>(block.cs));
  }
  // What the processor holds now is what it will be compared with next time.
  loaded_[kDs] = block.ds;
  loaded_[kEs] = block.es;
  loaded_[kFs] = block.fs;
  if (ring == 3) {
    loaded_[kGs] = block.gs;
    loaded_[kSs] = static_cast<uint16_t>(block.ss);
    loaded_[kCs] = static_cast<uint16_t>(block.cs);
  }
  synced_generation_ = generation_;
}

}  // namespace ring1::monitor
