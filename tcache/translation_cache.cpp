// SPDX-License-Identifier: GPL-2.0-only
// Look-up and insertion.
#include "tcache/translation_cache.h"

#include "base/assert.h"
#include "tcache/state_map.h"

namespace ring1::tcache {

namespace {

unsigned log2_of_buckets(uint32_t bytes) {
  unsigned log2 = 9;
  while (log2 < 17 && (uint64_t{512} << log2) < bytes) ++log2;
  return log2;
}

template <class T>
T* copy_array(uint8_t*& at, const T* from, unsigned count) {
  T* to = reinterpret_cast<T*>(at);
  __builtin_memcpy(to, from, count * sizeof(T));
  at += (count * sizeof(T) + 7) / 8 * 8;
  return to;
}

size_t rounded(size_t bytes) { return (bytes + 7) / 8 * 8; }

}  // namespace

TranslationCache::TranslationCache(const Region& region, Allocator& allocator, Environment& environment)
    : region_(region),
      allocator_(allocator),
      environment_(environment),
      slab_(allocator),
      mappings_(slab_, environment) {}

TranslationCache::~TranslationCache() {
  if (by_page_.size()) flush();
}

bool TranslationCache::init() {
  if (!code_.init(environment_, allocator_, region_.size) || !table_.init(environment_) ||
      !mappings_.init(allocator_) || !by_key_.init(allocator_, log2_of_buckets(region_.size)) ||
      !by_page_.init(allocator_, region_.size / kPageSize)) {
    return false;
  }
  const uint8_t stub[kMissStubBytes] = {0xcd, static_cast<uint8_t>(translator::CalloutVector::kIndirectMiss)};
  code_.write(0, stub, sizeof stub);
  table_.fill(region_.exec_base);
  stats_.bytes_size = region_.size;
  return true;
}

void TranslationCache::activate(const Mode& mode) {
  if (mode == active_) return;
  // Entries are checked against the EIP only, so those of another mode must not stay. They come back by publish().
  active_ = mode;
  table_.fill(region_.exec_base);
}

bool TranslationCache::is_suspended(const Fragment& fragment) const {
  for (unsigned i = 0; i < fragment.part_count; ++i) {
    if (fragment.parts[i].mapping->suspended) return true;
  }
  return false;
}

Fragment* TranslationCache::find_key(uint32_t eip, const Mode& mode) const {
  Fragment* fragment = by_key_.first(mode.cs_base + eip);
  for (Steps step(environment_); fragment && !(fragment->eip == eip && fragment->mode == mode); step())
    fragment = fragment->hash_next;
  return fragment;
}

Fragment* TranslationCache::lookup(uint32_t eip, const Mode& mode) {
  Fragment* fragment = find_key(eip, mode);
  if (fragment && is_suspended(*fragment)) fragment = nullptr;
  ++(fragment ? stats_.lookup_hits : stats_.lookup_misses);
  return fragment;
}

Fragment* TranslationCache::insert(uint32_t eip, const Mode& mode, const Translation& unit, const MappedPage* pages,
                                   unsigned page_count) {
  RING1_ASSERT(page_count >= 1 && page_count <= 2 && unit.code_size && unit.code_size <= Translation::kMaxCode);
  if (Fragment* old = find_key(eip, mode)) destroy(old);
  for (unsigned i = 0; i < page_count; ++i) note_mapping(pages[i]);
  for (;;) {
    // Placing may evict, and so may free what build() would have found: in this order, and again from the start.
    uint32_t start;
    const bool room = slab_.pages() < record_pages() || !stats_.fragments;
    if (room && code_.place(unit.code_size, &start)) {
      if (Fragment* fragment = build(eip, mode, unit, pages, page_count)) {
        enter(fragment, unit, start);
        return fragment;
      }
    }
    if (!evict()) return nullptr;
  }
}

// A fragment with all its records, not yet in the cache; nullptr: out of memory.
Fragment* TranslationCache::build(uint32_t eip, const Mode& mode, const Translation& unit, const MappedPage* pages,
                                  unsigned page_count) {
  const unsigned guest_size = unit.guest_size ? unit.guest_size : 1;
  const unsigned part_count = Gva(mode.cs_base + eip).offset() + guest_size > kPageSize ? 2 : 1;
  const size_t bytes = rounded(sizeof(Fragment)) + part_count * sizeof(Part) + rounded(unit.exit_count * sizeof(Exit)) +
                       rounded(unit.return_count * sizeof(translator::ReturnPoint));
  auto* memory = static_cast<uint8_t*>(slab_.allocate(bytes));
  if (!memory) return nullptr;
  auto* fragment = new (memory) Fragment();
  fragment->eip = eip;
  fragment->mode = mode;
  fragment->code_size = unit.code_size;
  fragment->guest_size = static_cast<uint16_t>(guest_size);
  fragment->instructions = unit.instructions;
  fragment->indirect_entry = unit.indirect_entry;
  fragment->call_entry = unit.call_entry;
  fragment->body = unit.body;
  fragment->map_count = unit.map_count;
  fragment->exit_count = unit.exit_count;
  fragment->return_count = unit.return_count;

  memory += rounded(sizeof(Fragment));
  fragment->parts = reinterpret_cast<Part*>(memory);
  for (unsigned i = 0; i < part_count; ++i) new (&fragment->parts[i]) Part();
  memory += part_count * sizeof(Part);
  fragment->exits = reinterpret_cast<Exit*>(memory);
  for (unsigned i = 0; i < unit.exit_count; ++i) {
    const translator::DirectExit& from = unit.exits[i];
    fragment->exits[i] = {.owner = fragment,
                          .target = nullptr,
                          .incoming = {},
                          .target_eip = from.target_eip,
                          .patch_offset = from.patch_offset,
                          .stub_offset = static_cast<uint16_t>(from.stub_offset & 0x7fff),
                          .is_call = from.is_call};
  }
  memory += rounded(unit.exit_count * sizeof(Exit));
  fragment->returns = copy_array(memory, unit.returns, unit.return_count);

  uint8_t packed[kMaxPackedMapBytes];
  const unsigned packed_bytes = pack_map(unit.map, unit.map_count, packed);
  fragment->map = static_cast<uint8_t*>(slab_.allocate(packed_bytes));
  if (fragment->map) __builtin_memcpy(fragment->map, packed, packed_bytes);
  if (!fragment->map || !attach(fragment, pages, page_count)) {
    release(fragment);
    return nullptr;
  }
  return fragment;
}

// The mapping of a page, pinned; nullptr: out of memory.
Mapping* TranslationCache::map(const MappedPage& page) {
  Mapping* mapping = mappings_.find(page.gva);
  if (!mapping) return mappings_.create(page);
  mappings_.pin(mapping);
  return mapping;
}

bool TranslationCache::attach(Fragment* fragment, const MappedPage* pages, unsigned page_count) {
  const uint32_t linear = fragment->linear();
  unsigned done = 0;
  for (unsigned i = 0; i < page_count && done < fragment->guest_size; ++i) {
    const uint32_t at = linear + done;
    const unsigned offset = at % kPageSize, room = static_cast<unsigned>(kPageSize) - offset;
    const unsigned rest = fragment->guest_size - done;
    RING1_ASSERT(pages[i].gva.page() == Gva(at).page());
    Mapping* mapping = map(pages[i]);
    if (!mapping) return false;
    Part& part = fragment->parts[fragment->part_count++];
    part.owner = fragment;
    part.offset = static_cast<uint16_t>(offset);
    part.size = static_cast<uint16_t>(rest < room ? rest : room);
    done += part.size;
    mappings_.add_part(mapping, &part);
    mappings_.unpin(mapping);
  }
  RING1_ASSERT(done == fragment->guest_size);
  return true;
}

// In one go: code copied once, then found by everyone.
void TranslationCache::enter(Fragment* fragment, const Translation& unit, uint32_t start) {
  fragment->start = start;
  if (region_.chaining) link_new(fragment, unit.code);
  code_.write(start, unit.code, unit.code_size);
  code_.commit(start, unit.code_size);
  by_key_.add(fragment, fragment->linear());
  Fragment*& first = by_page_[start / kPageSize];
  RING1_ASSERT(!first || first->start < start);  // a group is filled upwards, and groups share no page
  fragment->page_next = first;
  first = fragment;
  if (fragment->mode == active_) {
    for (unsigned i = 0; i < fragment->return_count; ++i) {
      const translator::ReturnPoint& point = fragment->returns[i];
      table_.set(point.return_eip, return_address(*fragment, point.code_offset));
    }
  }
  ++stats_.translations;
  ++stats_.fragments;
  stats_.guest_bytes += fragment->guest_size;
  stats_.code_bytes += fragment->code_size;
  stats_.bytes_used += fragment->code_size;
}

Fragment* TranslationCache::find(TcOffset position, unsigned* offset) {
  if (position.raw() >= region_.size) return nullptr;
  const auto at = static_cast<uint32_t>(position.raw());
  const unsigned page = at / kPageSize;
  // A unit is shorter than a page, so it starts on this page or on the one before.
  static_assert(Translation::kMaxCode <= kPageSize);
  for (unsigned back = 0; back < 2 && back <= page; ++back) {
    Fragment* fragment = by_page_[page - back];
    while (fragment && fragment->start > at) fragment = fragment->page_next;
    if (!fragment) continue;
    *offset = at - fragment->start;
    return *offset < fragment->code_size ? fragment : nullptr;
  }
  return nullptr;
}

}  // namespace ring1::tcache
