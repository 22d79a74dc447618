// SPDX-License-Identifier: GPL-2.0-only
// A keyboard controller with nothing plugged in: it passes its self-test, knows its command byte, resets the machine,
// and tells of A20 what the guest has set. The line itself is always on.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>

#include "vmm/devices/bus.h"
#include "vmm/state/archive.h"

namespace ring1::vmm {

// Attached twice: offset 0 is the data port, kCommandOffset the status and command port.
class I8042 : public Device {
 public:
  static constexpr uint64_t kDataOffset = 0, kCommandOffset = 4;

  struct Wires {
    std::function<void()> reset;
    std::function<void(bool)> interrupt;
  };
  explicit I8042(Wires wires) : wires_(std::move(wires)) {}

  uint64_t read(uint64_t offset, unsigned size) override;
  void write(uint64_t offset, unsigned size, uint64_t value) override;

  static constexpr uint32_t kVersion = 1;
  void save(SectionWriter& out) const;
  void restore(SectionReader& in);

 private:
  void command(uint8_t value);
  void data(uint8_t value);
  void answer(uint8_t value);
  void update_interrupt();

  Wires wires_;
  std::deque<uint8_t> output_;
  uint8_t command_byte_ = 0;
  uint8_t pending_command_ = 0;  // waits for its data byte
  uint8_t output_port_ = 0x03;   // A20 on, not in reset
  bool last_was_command_ = false;
  bool line_high_ = false;
};

}  // namespace ring1::vmm
