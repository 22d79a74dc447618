// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/devices/bus.h"

namespace ring1::vmm {

namespace {

constexpr unsigned kByteBits = 8;

}  // namespace

void Bus::attach(uint64_t base, uint64_t size, Width width, Device& device, uint64_t first_offset) {
  ranges_.push_back({base, size, width, &device, first_offset});
}

const Bus::Range* Bus::find(uint64_t address) const {
  for (const Range& range : ranges_)
    if (address - range.base < range.size) return &range;
  return nullptr;
}

const Bus::Range* Bus::find_whole(uint64_t address, unsigned size) const {
  const Range* range = find(address);
  if (range == nullptr || address - range->base + size > range->size) return nullptr;
  return size == 1 || range->width == Width::any ? range : nullptr;
}

uint64_t Bus::read(uint64_t address, unsigned size) {
  if (const Range* range = find_whole(address, size)) return range->device->read(range->offset(address), size);
  uint64_t value = 0;
  for (unsigned i = 0; i < size; i++) {
    const Range* range = find(address + i);
    const uint64_t byte = range != nullptr ? range->device->read(range->offset(address + i), 1) & 0xff : 0xff;
    value |= byte << (i * kByteBits);
  }
  return value;
}

void Bus::write(uint64_t address, unsigned size, uint64_t value) {
  if (const Range* range = find_whole(address, size)) return range->device->write(range->offset(address), size, value);
  for (unsigned i = 0; i < size; i++)
    if (const Range* range = find(address + i))
      range->device->write(range->offset(address + i), 1, (value >> (i * kByteBits)) & 0xff);
}

}  // namespace ring1::vmm
