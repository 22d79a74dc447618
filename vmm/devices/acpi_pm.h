// SPDX-License-Identifier: GPL-2.0-only
// The ACPI fixed hardware (ACPI 3.0, 4.7.3): PM1 event and control registers and the power-management timer.
#pragma once

#include <cstdint>
#include <functional>

#include "vmm/devices/bus.h"
#include "vmm/state/archive.h"

namespace ring1::vmm {

// Attached at kPmEventPort, kSize bytes.
class AcpiPm : public Device {
 public:
  static constexpr uint64_t kSize = 12;
  struct Wires {
    std::function<void()> power_off;
    std::function<uint64_t()> nanoseconds;  // monotonic
  };
  explicit AcpiPm(Wires wires) : wires_(std::move(wires)) {}

  uint64_t read(uint64_t offset, unsigned size) override;
  void write(uint64_t offset, unsigned size, uint64_t value) override;

  // The timer goes on where it was.
  static constexpr uint32_t kVersion = 1;
  void save(SectionWriter& out) const;
  void restore(SectionReader& in);

 private:
  uint64_t now() const { return wires_.nanoseconds() + offset_; }
  uint8_t read_byte(uint64_t offset) const;
  uint32_t timer() const;
  void write_control(uint16_t value);

  Wires wires_;
  uint64_t offset_ = 0;  // the guest's time less the host's
  uint16_t enable_ = 0;
  uint16_t control_ = 1;  // SCI_EN: always in ACPI mode
};

}  // namespace ring1::vmm
