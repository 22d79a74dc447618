// SPDX-License-Identifier: GPL-2.0-only
// The virtual-machine control structure of this virtual processor. It is made current again after each visit to the
// host, where another one may have been, and learns the processor's own host state when it comes to a new one.
#pragma once

#include <cstdint>

#include "hwaccel/vmx/field.h"
#include "monitor/world/host.h"
#include "monitor/world/log.h"

namespace ring1::monitor {

class Vmcs {
 public:
  using Field = hwaccel::vmx::Field;

  explicit Vmcs(Host& host) : host_(host) {}

  // Once, before anything else. False: the processor does not take it.
  [[nodiscard]] bool init();

  // Must precede an entry; read() and write() do it by themselves. True: it came to this processor since the last call,
  // whose TLB may hold anything of this guest.
  bool make_current();

  uint64_t read(Field field);
  uint32_t read32(Field field) { return static_cast<uint32_t>(read(field)); }
  void write(Field field, uint64_t value);

  bool has_efer = false;  // HostEfer exists

  // All fields that can be read.
  void dump(Log& log);

 private:
  void write_host_state();
  void write_processor_state();

  Host& host_;
  uint64_t seen_visits_ = ~uint64_t{0};
  bool moved_ = true;
};

}  // namespace ring1::monitor
