// SPDX-License-Identifier: GPL-2.0-only
// The tool's devices with nothing behind their wires, used as a guest would after a restore.
#pragma once

#include "vmm/devices/acpi_pm.h"
#include "vmm/devices/cmos.h"
#include "vmm/devices/i8042.h"
#include "vmm/devices/serial.h"

namespace ring1::fuzz {

struct UsedDevices {
  int64_t now = 1'700'000'000'500'000'000;
  vmm::Serial serial{{[](uint8_t) {}, [](bool) {}}};
  vmm::Cmos cmos{{[this] { return now; }, [](bool) {}, [] {}}, uint64_t{64} << 20};
  vmm::I8042 keyboard{{[] {}, [](bool) {}}};
  vmm::AcpiPm acpi_pm{{[] {}, [this] { return static_cast<uint64_t>(now); }}};

  template <class Device>
  static void restore(const vmm::Archive& archive, const char* name, Device& device) {
    vmm::SectionReader section = archive.section(name, Device::kVersion);
    device.restore(section);
  }

  void use() {
    for (unsigned i = 0; i < 20; i++) serial.receive(static_cast<uint8_t>(i));
    for (unsigned i = 0; i < 8; i++) serial.read(i % 8, 1), serial.write(i % 8, 1, i);
    use_cmos();
    cmos.go_on_from_saved();
    now += 3'600'000'000'000;
    use_cmos();
    for (unsigned i = 0; i < 20; i++) keyboard.read(i % 2 ? 4 : 0, 1);
    keyboard.write(4, 1, 0x60), keyboard.write(0, 1, 1);
    for (unsigned i = 0; i < vmm::AcpiPm::kSize; i += 4) acpi_pm.read(i, 4);
    acpi_pm.write(2, 2, 0);
  }

 private:
  // All registers, and the time set to what they say.
  void use_cmos() {
    cmos.poll();
    for (unsigned i = 0; i < 128; i++) {
      cmos.write(0, 1, i);
      const uint64_t value = cmos.read(1, 1);
      if (i < 14) cmos.write(0, 1, i), cmos.write(1, 1, value);
    }
    cmos.poll();
  }
};

}  // namespace ring1::fuzz
