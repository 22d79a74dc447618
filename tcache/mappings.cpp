// SPDX-License-Identifier: GPL-2.0-only
#include "tcache/mappings.h"

namespace ring1::tcache {

bool Mappings::init(Allocator& allocator) {
  return by_linear_.init(allocator, 11) && by_physical_.init(allocator, 11) && by_span_.init(allocator, 9) &&
         dependencies_.init(allocator, 11);
}

Mapping* Mappings::find(Gva page) const {
  Mapping* mapping = by_linear_.first(page.frame());
  for (Steps step(environment_); mapping && mapping->gva != page.page(); step()) mapping = mapping->hash_next;
  return mapping;
}

CodePage* Mappings::find_page(Gpa page) const {
  CodePage* code_page = by_physical_.first(page.frame());
  for (Steps step(environment_); code_page && code_page->page != page.page(); step()) code_page = code_page->hash_next;
  return code_page;
}

Span* Mappings::find_span(Gva page) const {
  const uint64_t number = page.raw() >> kSpanShift;
  Span* span = by_span_.first(number);
  for (Steps step(environment_); span && span->number != number; step()) span = span->hash_next;
  return span;
}

Mapping* Mappings::create(const MappedPage& page) {
  CodePage* code_page = find_page(page.gpa);
  Span* span = find_span(page.gva);
  CodePage* new_page = code_page ? nullptr : slab_.create<CodePage>();
  Span* new_span = span ? nullptr : slab_.create<Span>();
  auto* mapping = slab_.create<Mapping>();
  if (!mapping || !(code_page || new_page) || !(span || new_span)) {
    slab_.release(new_page);
    slab_.release(new_span);
    slab_.release(mapping);
    return nullptr;
  }
  if (new_span) {
    span = new_span;
    span->number = page.gva.raw() >> kSpanShift;
    by_span_.add(span, span->number);
    list_push<&Span::in_all>(spans_, span);
    set_upper(span, page);
  }
  if (new_page) {
    code_page = new_page;
    code_page->page = page.gpa.page();
    by_physical_.add(code_page, code_page->page.frame());
    environment_.code_page_gained(code_page->page);
  }
  mapping->gva = page.gva.page();
  mapping->page = code_page;
  mapping->span = span;
  mapping->pins = 1;
  by_linear_.add(mapping, mapping->gva.frame());
  list_push<&Mapping::in_page>(code_page->mappings, mapping);
  list_push<&Mapping::in_span>(span->mappings, mapping);
  set_leaf(mapping, page);
  return mapping;
}

void Mappings::unpin(Mapping* mapping) {
  --mapping->pins;
  release_if_unused(mapping);
}

void Mappings::unpin(Span* span) {
  --span->pins;
  release_if_unused(span);
}

void Mappings::add_part(Mapping* mapping, Part* part) {
  part->mapping = mapping;
  list_push<&Part::in_mapping>(mapping->parts, part);
}

void Mappings::remove_part(Part* part) {
  Mapping* mapping = part->mapping;
  list_remove<&Part::in_mapping>(part);
  release_if_unused(mapping);
}

void Mappings::release_if_unused(Mapping* mapping) {
  if (mapping->parts || mapping->pins) return;
  CodePage* page = mapping->page;
  Span* span = mapping->span;
  clear_leaf(mapping);
  by_linear_.remove(mapping, mapping->gva.frame(), Steps(environment_));
  list_remove<&Mapping::in_page>(mapping);
  list_remove<&Mapping::in_span>(mapping);
  slab_.release(mapping);
  release_if_unused(span);
  if (page->mappings) return;
  by_physical_.remove(page, page->page.frame(), Steps(environment_));
  const Gpa lost = page->page;
  slab_.release(page);
  environment_.code_page_lost(lost);
}

void Mappings::release_if_unused(Span* span) {
  if (span->mappings || span->pins) return;
  for (unsigned i = 0; i < span->upper_count; ++i) {
    dependencies_.remove(&span->upper[i], span->upper[i].entry.where.raw(), Steps(environment_));
  }
  by_span_.remove(span, span->number, Steps(environment_));
  list_remove<&Span::in_all>(span);
  slab_.release(span);
}

void Mappings::depend(Dependency* dependency, const TableEntry& entry) {
  dependency->entry = entry;
  dependencies_.add(dependency, entry.where.raw());
}

// The same last entry means the same table of 4 KiB pages, or the same large page, whatever stands above it.
bool Mappings::same_upper(const Span& span, const MappedPage& page) {
  if (span.upper_count != page.upper_count) return false;
  if (!span.upper_count) return true;
  const unsigned last = span.upper_count - 1u;
  return ((span.upper[last].entry.value ^ page.entries[last].value) & kEntryMask) == 0;
}

void Mappings::set_upper(Span* span, const MappedPage& page) {
  for (unsigned i = 0; i < span->upper_count; ++i) {
    dependencies_.remove(&span->upper[i], span->upper[i].entry.where.raw(), Steps(environment_));
  }
  span->upper_count = page.upper_count;
  for (unsigned i = 0; i < span->upper_count; ++i) {
    span->upper[i].span = span;
    depend(&span->upper[i], page.entries[i]);
  }
}

void Mappings::set_leaf(Mapping* mapping, const MappedPage& page) {
  clear_leaf(mapping);
  if (page.entry_count == page.upper_count) return;
  mapping->leaf.mapping = mapping;
  mapping->has_leaf = true;
  depend(&mapping->leaf, page.entries[page.entry_count - 1]);
}

void Mappings::clear_leaf(Mapping* mapping) {
  if (!mapping->has_leaf) return;
  dependencies_.remove(&mapping->leaf, mapping->leaf.entry.where.raw(), Steps(environment_));
  mapping->has_leaf = false;
}

}  // namespace ring1::tcache
