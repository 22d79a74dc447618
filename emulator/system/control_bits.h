// SPDX-License-Identifier: GPL-2.0-only
// Which bits of CR0 and CR4 a guest may set, and together with which (SDM 3A 2.5).
#pragma once

#include "emulator/machine.h"
#include "x86/registers.h"

namespace ring1::emulator {

// The others are ignored when written and read as zero.
inline constexpr uint64_t kCr0Known = cr0::kPe | cr0::kMp | cr0::kEm | cr0::kTs | cr0::kEt | cr0::kNe | cr0::kWp |
                                      cr0::kAm | cr0::kNw | cr0::kCd | cr0::kPg;

constexpr bool cr0_consistent(uint64_t value) {
  if ((value & cr0::kPg) && !(value & cr0::kPe)) return false;
  return !(value & cr0::kNw) || (value & cr0::kCd);
}

// What the processor's CPUID offers, of what the engines can give; the same as CR4_SUPPORTED in hostdriver/kvm/state_sregs.c.
uint64_t cr4_known(Machine& machine);

// Bits of CR3 that must be zero in long mode, bit 63 aside (SDM 3A table 4-12).
uint64_t cr3_reserved(Machine& machine);

}  // namespace ring1::emulator
