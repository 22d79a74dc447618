// SPDX-License-Identifier: GPL-2.0-only
// The end of a fragment, and eviction of the least recently used group.
#include "base/assert.h"
#include "tcache/translation_cache.h"

namespace ring1::tcache {
namespace {

constexpr unsigned kDestroyWork = 600;  // instructions, for Environment::worked()

}  // namespace

// Frees the records of a fragment that nothing points at but its pages.
void TranslationCache::release(Fragment* fragment) {
  for (unsigned i = 0; i < fragment->part_count; ++i) mappings_.remove_part(&fragment->parts[i]);
  slab_.release(fragment->map);
  slab_.release(fragment);
}

void TranslationCache::destroy(Fragment* fragment) {
  environment_.worked(kDestroyWork);
  isolate(fragment);
  // Its own branches need no patching: the code is dead.
  for (unsigned i = 0; i < fragment->exit_count; ++i) {
    if (!fragment->exits[i].target) continue;
    list_remove<&Exit::incoming>(&fragment->exits[i]);
    fragment->exits[i].target = nullptr;
    ++stats_.unchained;
  }
  by_key_.remove(fragment, fragment->linear(), Steps(environment_));
  Fragment** from = &by_page_[fragment->start / kPageSize];
  while (*from != fragment) from = &(*from)->page_next;
  *from = fragment->page_next;
  code_.release(fragment->start, fragment->code_size);
  --stats_.fragments;
  stats_.bytes_used -= fragment->code_size;
  release(fragment);
}

bool TranslationCache::evict() {
  const int victim = code_.coldest();
  if (victim < 0) return false;
  const CodeSpace::Group group = code_.group(static_cast<unsigned>(victim));
  for (uint32_t page = group.begin / kPageSize; page * kPageSize < group.next; ++page) {
    while (by_page_[page]) {
      destroy(by_page_[page]);
      ++stats_.evicted;
    }
  }
  ++stats_.eviction_groups;
  RING1_ASSERT(!code_.group(static_cast<unsigned>(victim)).fragments);
  return true;
}

void TranslationCache::flush() {
  for (size_t page = 0; page < by_page_.size(); ++page) {
    while (by_page_[page]) destroy(by_page_[page]);
  }
  ++stats_.flushes;
  ++generation_;
}

// Links are relative, and all else of the code is reached through GS: only the return table holds addresses.
void TranslationCache::rebase(uint32_t exec_base) {
  table_.move(exec_base - region_.exec_base);
  region_.exec_base = exec_base;
}

}  // namespace ring1::tcache
