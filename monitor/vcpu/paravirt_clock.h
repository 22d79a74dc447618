// SPDX-License-Identifier: GPL-2.0-only
// KVM's paravirtual clock and steal time: the registers, and the records in guest memory that follow from them. The
// record of the clock ties the guest's TSC to virtual time. Both stand still and go on together, so it is written only
// when one of them is set.
#pragma once

#include "monitor/board/devices.h"
#include "monitor/world/host.h"
#include "vtimer/pvclock.h"

namespace ring1::monitor {

class ParavirtClock {
 public:
  ParavirtClock(Host& host, Devices& devices, vtimer::PvMemory& memory)
      : host_(host), cpu_(host.shared().cpu), devices_(devices), memory_(memory) {}

  // Is it one of these registers?
  static bool owns(uint32_t index);
  // By the guest; false: #GP. `features` are those of the guest's CPUID.
  bool read_msr(uint32_t features, uint32_t index, uint64_t* value) const;
  bool write_msr(uint32_t features, uint32_t index, uint64_t value);

  // The guest's TSC or its clock was set, or one of the registers.
  void changed() { changed_ = true; }
  // Before the guest goes on: is there something to write? Then its state must be in ring1_cpu_state, as for any write
  // of a device that may meet code, page tables or descriptors.
  bool due() const;
  void update();

 private:
  bool steal_due() const;
  void write_wall_clock();
  void write_time();
  void write_steal();

  Host& host_;
  ring1_cpu_state& cpu_;
  Devices& devices_;
  vtimer::PvMemory& memory_;
  bool changed_ = false;
  uint64_t steal_register_ = 0;  // as of the last update
  uint64_t stolen_ = 0;          // of the host's count, passed on to the guest
};

}  // namespace ring1::monitor
