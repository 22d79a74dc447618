// SPDX-License-Identifier: GPL-2.0-only
// Dispatch of port or memory accesses to devices. Nothing answers elsewhere: reads give all ones.
#pragma once

#include <cstdint>
#include <vector>

namespace ring1::vmm {

class Device {
 public:
  virtual ~Device() = default;
  // size is 1, 2, 4 (ports) or up to 8 (memory); offset counts from the start of the attached range.
  virtual uint64_t read(uint64_t offset, unsigned size) = 0;
  virtual void write(uint64_t offset, unsigned size, uint64_t value) = 0;
};

class Bus {
 public:
  enum class Width {
    bytes,  // wider accesses are split
    any,
  };
  // Ranges must not overlap. The device must outlive the bus. first_offset: the device's own number of the
  // first address, for devices in several pieces.
  void attach(uint64_t base, uint64_t size, Width width, Device& device, uint64_t first_offset = 0);

  uint64_t read(uint64_t address, unsigned size);
  void write(uint64_t address, unsigned size, uint64_t value);

 private:
  struct Range {
    uint64_t base, size;
    Width width;
    Device* device;
    uint64_t first_offset;
    uint64_t offset(uint64_t address) const { return address - base + first_offset; }
  };
  const Range* find(uint64_t address) const;
  // Whether one device takes the access as a whole; if none does, it is split into bytes.
  const Range* find_whole(uint64_t address, unsigned size) const;

  std::vector<Range> ranges_;
};

}  // namespace ring1::vmm
