// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/devices/acpi_pm.h"

#include "vmm/devices/platform.h"

namespace ring1::vmm {

namespace {

constexpr uint64_t kEnable = 2;  // the status register before it never has a bit set: nothing happens here
constexpr uint64_t kControl = kPmControlPort - kPmEventPort;
constexpr uint64_t kTimer = kPmTimerPort - kPmEventPort;

constexpr uint16_t kSciEnable = 1 << 0;
constexpr uint16_t kSleepEnable = 1 << 13;
constexpr unsigned kSleepTypeShift = 10;
constexpr uint16_t kSleepTypeMask = 7;

constexpr uint64_t kTimerHertz = 3579545;
constexpr uint32_t kTimerMask = 0xffffff;  // 24 bits wide
constexpr uint64_t kNanoseconds = 1'000'000'000;

}  // namespace

uint32_t AcpiPm::timer() const {
  const unsigned __int128 ticks = static_cast<unsigned __int128>(now()) * kTimerHertz / kNanoseconds;
  return static_cast<uint32_t>(ticks) & kTimerMask;
}

uint8_t AcpiPm::read_byte(uint64_t offset) const {
  switch (offset) {
    case kEnable:
    case kEnable + 1: return static_cast<uint8_t>(enable_ >> (8 * (offset - kEnable)));
    case kControl:
    case kControl + 1: return static_cast<uint8_t>(control_ >> (8 * (offset - kControl)));
    default: return 0;
  }
}

void AcpiPm::save(SectionWriter& out) const {
  out.put(now());
  out.put(enable_);
  out.put(control_);
}

void AcpiPm::restore(SectionReader& in) {
  offset_ = in.get<uint64_t>() - wires_.nanoseconds();
  enable_ = in.get<uint16_t>();
  control_ = in.get<uint16_t>() | kSciEnable;
}

uint64_t AcpiPm::read(uint64_t offset, unsigned size) {
  if (offset >= kTimer) return timer() >> (8 * (offset - kTimer));
  uint64_t value = 0;
  for (unsigned i = 0; i < size; i++) value |= uint64_t{read_byte(offset + i)} << (8 * i);
  return value;
}

void AcpiPm::write(uint64_t offset, unsigned size, uint64_t value) {
  if (offset == 0 && size == 4) enable_ = static_cast<uint16_t>(value >> 16);
  if (offset == kEnable && size >= 2) enable_ = static_cast<uint16_t>(value);
  if (offset == kControl && size >= 2) write_control(static_cast<uint16_t>(value));
  // The high byte alone holds all that counts.
  if (offset == kControl + 1 && size == 1) write_control(static_cast<uint16_t>(value << 8 | (control_ & 0xff)));
}

void AcpiPm::write_control(uint16_t value) {
  control_ = static_cast<uint16_t>((value & ~kSleepEnable) | kSciEnable);  // SLP_EN is write-only
  if ((value & kSleepEnable) && ((value >> kSleepTypeShift) & kSleepTypeMask) == kSleepTypeOff) wires_.power_off();
}

}  // namespace ring1::vmm
