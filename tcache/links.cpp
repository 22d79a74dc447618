// SPDX-License-Identifier: GPL-2.0-only
// How execution gets from fragment to fragment without the monitor: linked exits and the return table.
#include "base/assert.h"
#include "tcache/translation_cache.h"

namespace ring1::tcache {

// Writes the branch of an exit: to its target, or to its stub.
void TranslationCache::patch(const Exit& exit) {
  const uint32_t start = exit.owner->start;
  uint32_t to = start + exit.stub_offset;
  if (exit.target) to = exit.target->start + (exit.is_call ? exit.target->call_entry : exit.target->body);
  const uint32_t displacement = to - (start + exit.patch_offset + 4u);
  code_.write(start + exit.patch_offset, &displacement, sizeof displacement);
}

bool TranslationCache::link(Fragment* fragment, unsigned index, Fragment* target) {
  RING1_ASSERT(index < fragment->exit_count);
  Exit& exit = fragment->exits[index];
  if (target->eip != exit.target_eip || target->mode != fragment->mode || is_suspended(*target)) return false;
  if (exit.target == target) return true;
  unlink(fragment, index);
  exit.target = target;
  list_push<&Exit::incoming>(target->incoming, &exit);
  patch(exit);
  ++stats_.chained;
  return true;
}

void TranslationCache::unlink(Fragment* fragment, unsigned index) {
  RING1_ASSERT(index < fragment->exit_count);
  Exit& exit = fragment->exits[index];
  if (!exit.target) return;
  list_remove<&Exit::incoming>(&exit);
  exit.target = nullptr;
  patch(exit);
  ++stats_.unchained;
}

void TranslationCache::publish(Fragment* fragment) {
  if (fragment->mode != active_ || is_suspended(*fragment)) return;
  table_.set(fragment->eip, return_address(*fragment, fragment->indirect_entry));
  fragment->published = true;
}

void TranslationCache::isolate(Fragment* fragment) {
  ++generation_;
  while (Exit* exit = fragment->incoming) unlink(exit->owner, static_cast<unsigned>(exit - exit->owner->exits));
  for (unsigned i = 0; i < fragment->return_count; ++i) {
    const translator::ReturnPoint& point = fragment->returns[i];
    table_.clear(point.return_eip, return_address(*fragment, point.code_offset));
  }
  if (fragment->published) table_.clear(fragment->eip, return_address(*fragment, fragment->indirect_entry));
  fragment->published = false;
}

}  // namespace ring1::tcache
