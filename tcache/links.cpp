// SPDX-License-Identifier: GPL-2.0-only
// How execution gets from fragment to fragment without the monitor: linked exits and the return table.
#include "base/assert.h"
#include "tcache/translation_cache.h"

namespace ring1::tcache {

namespace {

// Instructions, for Environment::worked().
constexpr unsigned kIsolateWork = 100, kUnlinkWork = 100;

// The rel32 of an exit: to its target, or to its stub.
uint32_t displacement_of(const Exit& exit) {
  const uint32_t start = exit.owner->start;
  uint32_t to = start + exit.stub_offset;
  if (exit.target) to = exit.target->start + (exit.is_call ? exit.target->call_entry : exit.target->body);
  return to - (start + exit.patch_offset + 4u);
}

}  // namespace

void TranslationCache::patch(const Exit& exit) {
  const uint32_t displacement = displacement_of(exit);
  code_.write(exit.owner->start + exit.patch_offset, &displacement, sizeof displacement);
}

// Before the code is written: patching it later costs far more, under an emulator above all.
void TranslationCache::link_new(Fragment* fragment, uint8_t* code) {
  for (unsigned i = 0; i < fragment->exit_count; ++i) {
    Exit& exit = fragment->exits[i];
    Fragment* target = exit.target_eip == fragment->eip ? fragment : find_key(exit.target_eip, fragment->mode);
    if (!target || is_suspended(*target)) continue;
    exit.target = target;
    list_push<&Exit::incoming>(target->incoming, &exit);
    const uint32_t displacement = displacement_of(exit);
    __builtin_memcpy(code + exit.patch_offset, &displacement, sizeof displacement);
    ++stats_.chained;
  }
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
  environment_.worked(kIsolateWork);
  while (Exit* exit = fragment->incoming) {
    environment_.worked(kUnlinkWork);
    unlink(exit->owner, static_cast<unsigned>(exit - exit->owner->exits));
  }
  for (unsigned i = 0; i < fragment->return_count; ++i) {
    const translator::ReturnPoint& point = fragment->returns[i];
    table_.clear(point.return_eip, return_address(*fragment, point.code_offset));
  }
  if (fragment->published) table_.clear(fragment->eip, return_address(*fragment, fragment->indirect_entry));
  fragment->published = false;
}

}  // namespace ring1::tcache
