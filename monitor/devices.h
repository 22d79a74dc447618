// SPDX-License-Identifier: GPL-2.0-only
// Ports and device memory: the interrupt controllers and timers of the monitor first, user space for the rest.
#pragma once

#include "base/address.h"
#include "monitor/host.h"

namespace ring1::monitor {

class Devices {
 public:
  explicit Devices(Host& host) : host_(host) {}

  // One access; blocks until user space has answered. false: the host has no answer.
  bool port(uint16_t port, unsigned size, uint32_t* value, bool is_write);
  bool memory(Gpa gpa, uint8_t* data, unsigned size, bool is_write);

  // Takes over lines raised by the host and the passage of time.
  void update();
  uint64_t deadline_tsc() const;

  bool has_interrupt() const;
  int acknowledge();  // vector, or -1: spurious after all
  bool take_nmi();

  bool apic_enabled() const;
  uint8_t task_priority() const;
  void set_task_priority(uint8_t value);

  // Something an interrupt may depend on was touched since the last call.
  bool take_touched() {
    const bool touched = touched_;
    touched_ = false;
    return touched;
  }

  int command(ring1_command command);

 private:
  Host& host_;
  bool touched_ = true;
};

}  // namespace ring1::monitor
