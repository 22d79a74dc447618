// SPDX-License-Identifier: GPL-2.0-only
#include "tcache/fragment.h"

#include "tcache/state_map.h"

namespace ring1::tcache {

using translator::MapEntry;

bool find_map_entry(const Fragment& fragment, unsigned offset, MapEntry* entry) {
  return MapReader(fragment.map, fragment.map_count).last_before(offset, entry);
}

bool boundary_offset(const Fragment& fragment, unsigned guest_offset, unsigned* offset) {
  MapEntry entry;
  if (!MapReader(fragment.map, fragment.map_count).next_boundary(guest_offset, &entry)) return false;
  *offset = entry.code_offset;
  return true;
}

int find_exit(const Fragment& fragment, unsigned offset) {
  for (unsigned i = 0; i < fragment.exit_count; ++i) {
    if (fragment.exits[i].stub_offset == offset) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace ring1::tcache
