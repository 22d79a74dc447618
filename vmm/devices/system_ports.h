// SPDX-License-Identifier: GPL-2.0-only
// Single ports that end or restart the machine.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "vmm/devices/bus.h"
#include "vmm/state/archive.h"

namespace ring1::vmm {

// The byte at 0xcf9: writing the reset bit resets. It lies in the dword at 0xcf8, which is another register, the
// address of PCI's configuration space; there is no PCI, so that one ignores writes and reads as all ones.
class ResetPort : public Device {
 public:
  static constexpr uint64_t kSize = 4, kOffset = 1;
  explicit ResetPort(std::function<void()> reset) : reset_(std::move(reset)) {}
  uint64_t read(uint64_t offset, unsigned size) override;
  void write(uint64_t offset, unsigned size, uint64_t value) override;
  void save(SectionWriter& out) const { out.put(value_); }
  void restore(SectionReader& in) { value_ = in.get<uint8_t>(); }

 private:
  std::function<void()> reset_;
  uint8_t value_ = 0;
};

// Port 0x92: the fast reset, and A20. The line itself is always on, but a guest reads what it has written: it may wait
// for that.
class SystemControlPort : public Device {
 public:
  explicit SystemControlPort(std::function<void()> reset) : reset_(std::move(reset)) {}
  uint64_t read(uint64_t, unsigned) override;
  void write(uint64_t offset, unsigned size, uint64_t value) override;
  void save(SectionWriter& out) const { out.put(value_); }
  void restore(SectionReader& in) { value_ = in.get<uint8_t>(); }

 private:
  static constexpr uint8_t kA20 = 1 << 1;
  std::function<void()> reset_;
  uint8_t value_ = kA20;
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
