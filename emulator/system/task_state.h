// SPDX-License-Identifier: GPL-2.0-only
// The layout of task-state segments (SDM 3A 7.2.1, 7.6). Registers lie in the order of their encoding.
#pragma once

#include "emulator/system/descriptor.h"

namespace ring1::emulator {

namespace tss32 {
inline constexpr uint32_t kLink = 0x00, kStacks = 0x04, kStackBytes = 8, kCr3 = 0x1c, kEip = 0x20, kEflags = 0x24;
inline constexpr uint32_t kGprs = 0x28, kSegments = 0x48, kLdt = 0x60, kTrap = 0x64, kBytes = 0x68;
}  // namespace tss32

namespace tss16 {
inline constexpr uint32_t kLink = 0x00, kStacks = 0x02, kStackBytes = 4, kIp = 0x0e, kFlags = 0x10;
inline constexpr uint32_t kGprs = 0x12, kSegments = 0x22, kLdt = 0x2a, kBytes = 0x2c;
}  // namespace tss16

constexpr bool is_tss32_type(SystemType type) { return type == SystemType::kTss32 || type == SystemType::kTss32Busy; }
constexpr bool is_tss32(const ring1_segment& tr) {
  return is_tss32_type(static_cast<SystemType>(tr.access & RING1_AR_TYPE_MASK));
}

}  // namespace ring1::emulator
