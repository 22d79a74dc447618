// SPDX-License-Identifier: GPL-2.0-only
// The invariants of the cache, for tests.
#include "tcache/state_map.h"
#include "tcache/translation_cache.h"

namespace ring1::tcache {

bool TranslationCache::check_fragment(const Fragment& fragment) const {
  if (find_key(fragment.eip, fragment.mode) != &fragment) return false;
  MapReader map(fragment.map, fragment.map_count);
  translator::MapEntry entry;
  for (unsigned last = 0; map.next(&entry); last = entry.code_offset) {
    if (entry.code_offset < last || entry.code_offset >= fragment.code_size) return false;
  }
  if (code_.group_of(fragment.start) != code_.group_of(fragment.start + fragment.code_size - 1)) return false;

  // Links: the bytes say what the records say, and both ends know of each other.
  for (unsigned i = 0; i < fragment.exit_count; ++i) {
    const Exit& exit = fragment.exits[i];
    uint32_t to = fragment.start + exit.stub_offset;
    if (exit.target) {
      to = exit.target->start + (exit.is_call ? exit.target->call_entry : exit.target->body);
      const Exit* back = exit.target->incoming;
      while (back && back != &exit) back = back->incoming.next;
      if (!back || exit.target->mode != fragment.mode || is_suspended(*exit.target)) return false;
    }
    const uint32_t field = fragment.start + exit.patch_offset;
    if (exit.owner != &fragment || code_.read32(field) != to - (field + 4)) return false;
  }
  for (const Exit* exit = fragment.incoming; exit; exit = exit->incoming.next) {
    if (exit->target != &fragment || exit->target_eip != fragment.eip) return false;
  }

  unsigned covered = 0;
  for (unsigned i = 0; i < fragment.part_count; ++i) {
    const Part& part = fragment.parts[i];
    covered += part.size;
    if (mappings_.find(part.mapping->gva) != part.mapping) return false;
    if (mappings_.find_page(part.mapping->page->page) != part.mapping->page) return false;
  }
  return covered == fragment.guest_size;
}

// Every entry leads to the miss stub, or to the place of a live, reachable fragment that answers for its EIP.
bool TranslationCache::check_table() const {
  for (uint32_t slot = 0; slot < translator::kReturnTableEntries; ++slot) {
    const uint32_t entry = table_.get(slot);
    if (entry == region_.exec_base) continue;
    unsigned offset;
    Fragment* fragment = const_cast<TranslationCache*>(this)->find(TcOffset(entry - region_.exec_base), &offset);
    if (!fragment || fragment->mode != active_ || is_suspended(*fragment)) return false;
    bool known = fragment->published && offset == fragment->indirect_entry &&
                 fragment->eip % translator::kReturnTableEntries == slot;
    for (unsigned i = 0; i < fragment->return_count; ++i) {
      const translator::ReturnPoint& point = fragment->returns[i];
      known |= point.code_offset == offset && point.return_eip % translator::kReturnTableEntries == slot;
    }
    if (!known) return false;
  }
  return true;
}

bool TranslationCache::check() const {
  uint64_t fragments = 0, bytes = 0;
  uint32_t end = CodeSpace::kPrologueBytes;  // of the fragment before, in the order of addresses
  for (size_t page = 0; page < by_page_.size(); ++page) {
    uint32_t first = 0, above = region_.size, highest_end = end;
    for (const Fragment* fragment = by_page_[page]; fragment; fragment = fragment->page_next) {
      const uint32_t fragment_end = fragment->start + fragment->code_size;
      if (fragment->start / kPageSize != page || fragment_end > above || !check_fragment(*fragment)) return false;
      if (above == region_.size) highest_end = fragment_end;
      above = first = fragment->start;
      ++fragments;
      bytes += fragment->code_size;
    }
    if (by_page_[page] && first < end) return false;
    end = highest_end;
  }
  for (unsigned i = 0; i < code_.group_count(); ++i) {
    const CodeSpace::Group& group = code_.group(i);
    if (group.next < group.begin || (!group.fragments && group.next != group.begin)) return false;
  }
  return fragments == stats_.fragments && bytes == stats_.bytes_used && check_table();
}

}  // namespace ring1::tcache
