// SPDX-License-Identifier: GPL-2.0-only
// The interrupt controllers and timers of a PC.
#pragma once

#include "io.h"

namespace guest {

inline constexpr unsigned kPicBase = 0x20, kPicSlaveBase = 0x28, kPitVector = kPicBase;
inline constexpr uint32_t kPitHz = 1193182;

void pic_init();  // both, edge-triggered, all lines masked
void pic_unmask(unsigned line);
void pic_mask_all();
void pic_eoi(unsigned line);
uint8_t pic_requests();                        // the master's IRR
uint8_t pic_in_service();                      // its ISR
void pit_start(uint32_t count, uint8_t mode);  // channel 0
uint16_t pit_count(unsigned channel);

inline volatile uint32_t& apic(uint32_t offset) {
  return *reinterpret_cast<volatile uint32_t*>(uintptr_t{0xfee00000} + offset);
}
inline constexpr uint32_t kApicId = 0x20, kApicVersion = 0x30, kApicTpr = 0x80, kApicEoi = 0xb0, kApicLdr = 0xd0;
inline constexpr uint32_t kApicSvr = 0xf0, kApicIsr = 0x100, kApicIrr = 0x200, kApicEsr = 0x280, kApicIcr = 0x300;
inline constexpr uint32_t kApicIcr2 = 0x310, kApicTimer = 0x320, kApicLint0 = 0x350, kApicInitial = 0x380;
inline constexpr uint32_t kApicCurrent = 0x390, kApicDivide = 0x3e0, kApicMasked = 1u << 16, kApicPeriodic = 1u << 17;
inline constexpr uint32_t kApicDivideBy1 = 0xb, kApicEnabled = 0x100;

uint32_t ioapic_read(uint8_t index);
void ioapic_write(uint8_t index, uint32_t value);

}  // namespace guest
