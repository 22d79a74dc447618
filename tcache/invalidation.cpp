// SPDX-License-Identifier: GPL-2.0-only
// Keeping translations true to the guest's code and to where it is mapped.
//
// Dropping a fragment frees mappings, spans and code pages that become empty. Loops over these pin the current one,
// and take its successor only after its fragments are gone.
#include "tcache/translation_cache.h"

namespace ring1::tcache {
namespace {

// Instructions of a step along a list, and of a mapping that is looked at again, for Environment::worked().
constexpr unsigned kStepWork = 12, kMappingWork = 200;

}  // namespace

unsigned TranslationCache::invalidate_bytes(Gpa where, unsigned size) {
  unsigned dropped = 0;
  while (size) {
    const auto begin = static_cast<unsigned>(where.offset());
    const unsigned room = static_cast<unsigned>(kPageSize) - begin;
    const unsigned piece = size < room ? size : room;
    CodePage* page = mappings_.find_page(where);
    for (Mapping* mapping = page ? page->mappings : nullptr; mapping;) {
      mappings_.pin(mapping);
      for (Part* part = mapping->parts; part;) {
        environment_.worked(kStepWork);
        Part* next = part->in_mapping.next;
        if (part->offset < begin + piece && begin < unsigned{part->offset} + part->size) {
          destroy(part->owner);
          ++dropped;
        }
        part = next;
      }
      Mapping* next = mapping->in_page.next;
      mappings_.unpin(mapping);
      mapping = next;
    }
    where = where + piece;
    size -= piece;
  }
  stats_.invalidated_write += dropped;
  return dropped;
}

unsigned TranslationCache::invalidate_page(Gpa page) {
  return invalidate_bytes(page.page(), static_cast<unsigned>(kPageSize));
}

unsigned TranslationCache::drop_mapping(Mapping* mapping) {
  unsigned dropped = 0;
  mappings_.pin(mapping);
  for (; mapping->parts; ++dropped) destroy(mapping->parts->owner);
  mappings_.unpin(mapping);
  stats_.invalidated_remap += dropped;
  return dropped;
}

// Suspended mappings are walked before they are used again: a change of the tables cannot harm them.
unsigned TranslationCache::drop_active(Span* span) {
  unsigned dropped = 0;
  mappings_.pin(span);
  for (Mapping* mapping = span->mappings; mapping;) {
    environment_.worked(kStepWork);
    mappings_.pin(mapping);
    if (!mapping->suspended) dropped += drop_mapping(mapping);
    Mapping* next = mapping->in_span.next;
    mappings_.unpin(mapping);
    mapping = next;
  }
  mappings_.unpin(span);
  return dropped;
}

unsigned TranslationCache::invalidate_linear(Gva page) {
  Mapping* mapping = mappings_.find(page);
  return mapping ? drop_mapping(mapping) : 0;
}

// What changes most often leaves the code where it was: bits that do not matter, or a large page that is split.
unsigned TranslationCache::entry_changed(Gpa entry, Walker& walker) {
  struct {
    Span* span;
    Mapping* mapping;
  } found[kMaxDependents];
  unsigned count = 0;
  Steps step(environment_);
  for (Dependency* at = mappings_.first_dependency(entry); at; at = at->hash_next) {
    step();
    if (at->entry.where != entry) continue;
    if (count == kMaxDependents) return revalidate_everything(walker);
    found[count++] = {at->span, at->mapping};
  }
  for (unsigned i = 0; i < count; ++i) {
    if (found[i].span) mappings_.pin(found[i].span);
    if (found[i].mapping) mappings_.pin(found[i].mapping);
  }
  unsigned dropped = 0;
  for (unsigned i = 0; i < count; ++i) {
    if (found[i].span) {
      dropped += revalidate(found[i].span, walker);
      mappings_.unpin(found[i].span);
    } else {
      dropped += revalidate(found[i].mapping, walker);
      mappings_.unpin(found[i].mapping);
    }
  }
  return dropped;
}

bool TranslationCache::depends_on(Gpa entry) const {
  Steps step(environment_);
  for (Dependency* at = mappings_.first_dependency(entry); at; at = at->hash_next) {
    step();
    if (at->entry.where == entry) return true;
  }
  return false;
}

unsigned TranslationCache::note_mapping(const MappedPage& page) {
  unsigned dropped = 0;
  Span* span = mappings_.find_span(page.gva);
  if (!span) return 0;
  mappings_.pin(span);
  if (!Mappings::same_upper(*span, page)) dropped += drop_active(span);
  mappings_.set_upper(span, page);
  Mapping* mapping = mappings_.find(page.gva);
  if (mapping && mapping->page->page != page.gpa.page()) {
    dropped += drop_mapping(mapping);
  } else if (mapping) {
    mappings_.set_leaf(mapping, page);
    mapping->suspended = false;
  }
  mappings_.unpin(span);
  return dropped;
}

void TranslationCache::suspend(Mapping* mapping) {
  if (mapping->suspended) return;
  mapping->suspended = true;
  mappings_.clear_leaf(mapping);
  for (Part* part = mapping->parts; part; part = part->in_mapping.next) isolate(part->owner);
}

unsigned TranslationCache::revalidate(Mapping* mapping, Walker& walker) {
  environment_.worked(kMappingWork);
  MappedPage walk;
  walk.gva = mapping->gva;
  if (!walker.walk(walk.gva, &walk)) {
    suspend(mapping);
    return 0;
  }
  if (walk.gpa.page() != mapping->page->page) return drop_mapping(mapping);
  mappings_.set_leaf(mapping, walk);
  mapping->suspended = false;
  return 0;
}

unsigned TranslationCache::revalidate_mappings(Span* span, Walker& walker) {
  unsigned dropped = 0;
  for (Mapping* mapping = span->mappings; mapping;) {
    mappings_.pin(mapping);
    dropped += revalidate(mapping, walker);
    Mapping* next = mapping->in_span.next;
    mappings_.unpin(mapping);
    mapping = next;
  }
  return dropped;
}

// A span may be empty while it is pinned.
unsigned TranslationCache::revalidate(Span* span, Walker& walker) {
  environment_.worked(kMappingWork);
  if (!span->mappings) return 0;
  MappedPage walk;
  walk.gva = span->mappings->gva;
  walker.walk(walk.gva, &walk);
  const bool same = Mappings::same_upper(*span, walk);
  mappings_.set_upper(span, walk);  // equal values may stand elsewhere now
  return same ? 0 : revalidate_mappings(span, walker);
}

unsigned TranslationCache::revalidate_everything(Walker& walker) {
  unsigned dropped = 0;
  for (Span* span = mappings_.first_span(); span;) {
    mappings_.pin(span);
    MappedPage walk;
    walk.gva = span->mappings->gva;
    walker.walk(walk.gva, &walk);
    mappings_.set_upper(span, walk);
    dropped += revalidate_mappings(span, walker);
    Span* next = span->in_all.next;
    mappings_.unpin(span);
    span = next;
  }
  return dropped;
}

unsigned TranslationCache::revalidate(Walker& walker) {
  unsigned dropped = 0;
  for (Span* span = mappings_.first_span(); span;) {
    mappings_.pin(span);
    dropped += revalidate(span, walker);
    Span* next = span->in_all.next;
    mappings_.unpin(span);
    span = next;
  }
  return dropped;
}

}  // namespace ring1::tcache
