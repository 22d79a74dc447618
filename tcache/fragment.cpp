// SPDX-License-Identifier: GPL-2.0-only
#include "tcache/fragment.h"

namespace ring1::tcache {

using translator::Callout;
using translator::MapEntry;

const MapEntry* find_map_entry(const Fragment& fragment, unsigned offset) {
  unsigned low = 0, high = fragment.map_count;  // the answer is the last entry at or before `offset`
  while (low < high) {
    const unsigned middle = (low + high) / 2;
    if (fragment.map[middle].code_offset <= offset) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low ? &fragment.map[low - 1] : nullptr;
}

bool boundary_offset(const Fragment& fragment, unsigned guest_offset, unsigned* offset) {
  for (unsigned i = 0; i < fragment.map_count; ++i) {
    const MapEntry& entry = fragment.map[i];
    if (!entry.boundary || entry.eip != MapEntry::Eip::kOffset || entry.guest_offset != guest_offset) continue;
    *offset = entry.code_offset;
    return true;
  }
  return false;
}

int find_exit(const Fragment& fragment, unsigned offset) {
  for (unsigned i = 0; i < fragment.exit_count; ++i) {
    if (fragment.exits[i].stub_offset == offset) return static_cast<int>(i);
  }
  return -1;
}

const Callout* find_callout(const Fragment& fragment, unsigned offset) {
  for (unsigned i = 0; i < fragment.callout_count; ++i) {
    if (fragment.callouts[i].code_offset == offset) return &fragment.callouts[i];
  }
  return nullptr;
}

}  // namespace ring1::tcache
