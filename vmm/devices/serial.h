// SPDX-License-Identifier: GPL-2.0-only
// A 16550A. Both the vCPU thread (registers) and the console thread (bytes in and out) use it.
//
// A transmitted byte leaves at once through `transmit`, but the transmitter looks busy until the guest touches
// another register or the console has taken the output: so a burst of 16 bytes costs one interrupt edge.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>

#include "vmm/devices/bus.h"
#include "vmm/state/archive.h"

namespace ring1::vmm {

class Serial : public Device {
 public:
  struct Wires {
    std::function<void(uint8_t)> transmit;
    std::function<void(bool)> interrupt;
  };
  explicit Serial(Wires wires) : wires_(std::move(wires)) {}

  uint64_t read(uint64_t offset, unsigned size) override;
  void write(uint64_t offset, unsigned size, uint64_t value) override;

  // A byte from the console. It waits here until the guest listens: interrupts for received data are on, or
  // the line status is being polled.
  void receive(uint8_t byte);
  // How many bytes wait; the console stops reading when there are many.
  size_t waiting() const;
  // The console has taken what was transmitted.
  void transmitted();

  static constexpr uint32_t kVersion = 1;
  void save(SectionWriter& out) const;
  // Sets the interrupt line to its level.
  void restore(SectionReader& in);

 private:
  uint8_t read_register(uint64_t offset);
  void write_register(uint64_t offset, uint8_t value);
  uint8_t read_data();
  void transmit_byte(uint8_t byte);
  void write_interrupt_enable(uint8_t value);
  void write_fifo_control(uint8_t value);
  void write_modem_control(uint8_t value);
  uint8_t modem_status() const;
  uint8_t interrupt_id() const;
  void finish_transmission();
  void refill();
  void update_interrupt();

  Wires wires_;
  mutable std::mutex mutex_;
  std::deque<uint8_t> backlog_;  // at the console's side of the wire
  std::deque<uint8_t> fifo_;     // received
  uint8_t interrupt_enable_ = 0, line_control_ = 0, modem_control_ = 0, scratch_ = 0;
  uint8_t divisor_low_ = 1, divisor_high_ = 0;
  uint8_t modem_delta_ = 0;
  uint8_t trigger_level_ = 1;
  bool fifo_enabled_ = false;
  bool transmitting_ = false;
  bool transmit_interrupt_ = false;
  bool line_high_ = false;
  unsigned status_polls_ = 0;
};

}  // namespace ring1::vmm
