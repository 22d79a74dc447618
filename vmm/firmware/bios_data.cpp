// SPDX-License-Identifier: GPL-2.0-only
// The BIOS' data area: what kernels without a memory map, and their drivers for the serial port, look at.
#include "vmm/boot/memory_map.h"
#include "vmm/devices/platform.h"
#include "vmm/firmware/tables.h"

namespace ring1::vmm {

namespace {

// Offsets in the area.
constexpr uint64_t kSerialPorts = 0x00, kExtendedAreaSegment = 0x0e, kEquipment = 0x10, kLowMemoryKib = 0x13;
constexpr uint16_t kHasCoprocessor = 1 << 1, kOneSerialPort = 1 << 9;

}  // namespace

void write_bios_data(GuestMemory& memory) {
  memory.put(kBiosData + kSerialPorts, kSerialPort);
  memory.put(kBiosData + kExtendedAreaSegment, static_cast<uint16_t>(kLowMemoryEnd.raw() >> 4));
  memory.put(kBiosData + kEquipment, static_cast<uint16_t>(kHasCoprocessor | kOneSerialPort));
  memory.put(kBiosData + kLowMemoryKib, static_cast<uint16_t>(kLowMemoryEnd.raw() >> 10));
  memory.put(kLowMemoryEnd, static_cast<uint8_t>((kVideoMemory - kLowMemoryEnd) >> 10));  // its size in KiB
}

}  // namespace ring1::vmm
