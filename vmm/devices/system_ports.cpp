// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/devices/system_ports.h"

namespace ring1::vmm {

namespace {

constexpr uint8_t kResetCpu = 1 << 2;   // of 0xcf9
constexpr uint8_t kFastReset = 1 << 0;  // of 0x92

}  // namespace

uint64_t ResetPort::read(uint64_t offset, unsigned size) {
  return offset == kOffset && size == 1 ? value_ : ~uint64_t{0} >> (64 - 8 * size);
}

void ResetPort::write(uint64_t offset, unsigned size, uint64_t value) {
  if (offset != kOffset || size != 1) return;
  value_ = static_cast<uint8_t>(value & ~uint64_t{kResetCpu});
  if (value & kResetCpu) reset_();
}

uint64_t SystemControlPort::read(uint64_t, unsigned) { return value_; }

void SystemControlPort::write(uint64_t, unsigned, uint64_t value) {
  value_ = static_cast<uint8_t>(value & ~uint64_t{kFastReset});
  if (value & kFastReset) reset_();
}

void DebugExitPort::write(uint64_t, unsigned, uint64_t value) { exit_(static_cast<int>((value << 1 | 1) & 0xff)); }

}  // namespace ring1::vmm
