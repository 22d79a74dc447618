// SPDX-License-Identifier: GPL-2.0-only
// Counters of the cache; the names are those of the tc_ rows in include/ring1/stats.h.
#pragma once

#include <cstdint>

namespace ring1::tcache {

struct Stats {
  uint64_t translations = 0, guest_bytes = 0, code_bytes = 0;
  uint64_t lookup_hits = 0, lookup_misses = 0;
  uint64_t chained = 0, unchained = 0;
  uint64_t evicted = 0, eviction_groups = 0;
  uint64_t invalidated_write = 0, invalidated_remap = 0;
  uint64_t flushes = 0;
  uint64_t bytes_used = 0, bytes_size = 0, fragments = 0;
};

}  // namespace ring1::tcache
