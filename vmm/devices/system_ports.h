// SPDX-License-Identifier: GPL-2.0-only
// Single ports that end or restart the machine.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "vmm/devices/bus.h"

namespace ring1::vmm {

// Port 0xcf9: writing the reset bit resets.
class ResetPort : public Device {
 public:
  explicit ResetPort(std::function<void()> reset) : reset_(std::move(reset)) {}
  uint64_t read(uint64_t, unsigned) override { return value_; }
  void write(uint64_t offset, unsigned size, uint64_t value) override;

 private:
  std::function<void()> reset_;
  uint8_t value_ = 0;
};

// Port 0x92: A20, which is always on, and the fast reset.
class SystemControlPort : public Device {
 public:
  explicit SystemControlPort(std::function<void()> reset) : reset_(std::move(reset)) {}
  uint64_t read(uint64_t, unsigned) override;
  void write(uint64_t offset, unsigned size, uint64_t value) override;

 private:
  std::function<void()> reset_;
};

// QEMU's isa-debug-exit: a written value v ends the run with status (v << 1) | 1.
class DebugExitPort : public Device {
 public:
  static constexpr uint64_t kSize = 4;
  explicit DebugExitPort(std::function<void(int)> exit) : exit_(std::move(exit)) {}
  uint64_t read(uint64_t, unsigned) override { return 0; }
  void write(uint64_t offset, unsigned size, uint64_t value) override;

 private:
  std::function<void(int)> exit_;
};

}  // namespace ring1::vmm
