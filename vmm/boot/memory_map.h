// SPDX-License-Identifier: GPL-2.0-only
// What lies where in guest physical memory when the guest starts:
//
//   0x00000400  the BIOS' data area: serial port, memory below 640 KiB
//   0x00000500  descriptor table of the first instructions        |
//   0x00006000  PVH start information, or                          | usable RAM, free once the
//   0x00007000  Linux boot parameters                              | guest has read it
//   0x00010000  multiboot information with its strings             |
//   0x00020000  command line                                      |
//   0x0009fc00  reserved, as the extended BIOS data area is
//   0x000a0000  plain memory where a PC has its VGA; not offered
//   0x000f0000  ACPI and MP tables, reserved; from 0xf8000 on an image may be loaded all the same, as linkers
//               put the file's headers below a kernel at 1 MiB
//   0x00100000  usable RAM up to --mem
//   0xc0000000  devices; RAM ends here at the latest
#pragma once

#include <cstdint>
#include <vector>

#include "base/address.h"

namespace ring1::vmm {

inline constexpr Gpa kBiosData{0x400};
inline constexpr Gpa kBootGdt{0x500};
inline constexpr Gpa kFirstLoadable{0x1000};
inline constexpr Gpa kPvhStartInfo{0x6000};
inline constexpr Gpa kLinuxBootParams{0x7000};
inline constexpr Gpa kMultibootInfo{0x10000};
inline constexpr Gpa kCommandLine{0x20000};
inline constexpr Gpa kLowMemoryEnd{0x9fc00};
inline constexpr Gpa kVideoMemory{0xa0000};
inline constexpr Gpa kFirmwareTables{0xf0000};
inline constexpr Gpa kFirmwareTablesEnd{0xf8000};
inline constexpr Gpa kHighMemory{0x100000};
inline constexpr Gpa kDeviceHole{0xc0000000};

inline constexpr uint64_t kSmallestMemory = uint64_t{2} << 20;
inline constexpr uint64_t kLargestMemory = kDeviceHole.raw();

// The types of INT 15h, E820h, shared by Linux, multiboot and PVH.
enum class MemoryKind : uint32_t { usable = 1, reserved = 2 };

struct MemoryRange {
  uint64_t start;
  uint64_t size;
  MemoryKind kind;
};

std::vector<MemoryRange> memory_map(uint64_t memory_size);

// Whether an image may be loaded at [start, start + size).
bool is_loadable(uint64_t memory_size, uint64_t start, uint64_t size);

}  // namespace ring1::vmm
