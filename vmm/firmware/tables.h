// SPDX-License-Identifier: GPL-2.0-only
// The tables a guest finds in the firmware area (kFirmwareTables): ACPI and, for guests without it, the
// MultiProcessor Specification's. Both describe one processor, one I/O APIC, and the timer on its input 2.
#pragma once

#include "vmm/memory/guest_memory.h"

namespace ring1::vmm {

inline constexpr uint32_t kLocalApicAddress = 0xfee00000;
inline constexpr uint32_t kIoApicAddress = 0xfec00000;
inline constexpr uint8_t kIoApicId = 1;
inline constexpr uint8_t kBootProcessorApicId = 0;
inline constexpr uint8_t kTimerIrq = 0, kTimerGsi = 2, kCascadeIrq = 2;

// The value that makes all bytes of a table add up to zero.
uint8_t checksum(const void* table, size_t size);

// Returns the address of the root pointer (RSDP).
Gpa write_acpi_tables(GuestMemory& memory);
void write_mp_table(GuestMemory& memory);
// What a BIOS leaves in its data area at 0x400, and the first byte of the extended one.
void write_bios_data(GuestMemory& memory);

}  // namespace ring1::vmm
