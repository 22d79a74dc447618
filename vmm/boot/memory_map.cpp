// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/boot/memory_map.h"

namespace ring1::vmm {

std::vector<MemoryRange> memory_map(uint64_t memory_size) {
  return {
      {0, kLowMemoryEnd.raw(), MemoryKind::usable},
      {kLowMemoryEnd.raw(), kVideoMemory - kLowMemoryEnd, MemoryKind::reserved},
      {kFirmwareTables.raw(), kHighMemory - kFirmwareTables, MemoryKind::reserved},
      {kHighMemory.raw(), memory_size - kHighMemory.raw(), MemoryKind::usable},
  };
}

bool is_loadable(uint64_t memory_size, uint64_t start, uint64_t size) {
  auto inside = [&](uint64_t first, uint64_t end) { return start >= first && start <= end && size <= end - start; };
  return inside(kFirstLoadable.raw(), kLowMemoryEnd.raw()) || inside(kFirmwareTablesEnd.raw(), memory_size);
}

}  // namespace ring1::vmm
