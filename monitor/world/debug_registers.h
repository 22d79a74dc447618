// SPDX-License-Identifier: GPL-2.0-only
// DR0 to DR3 of the processor while the guest has breakpoints (SDM 3B 17.2). The host's are put aside when the guest's
// are loaded and given back before the host is visited, so a guest without breakpoints costs nothing. DR7 is the
// switch's (hostdriver/world/switch.S); in the monitor it is off.
#pragma once

#include <cstdint>

#include "include/ring1/cpu_state.h"

namespace ring1::monitor {

class DebugRegisters {
 public:
  // Right before the guest: its breakpoints of the set `which` are in force.
  void arm(const ring1_cpu_state& cpu, unsigned which);
  // The addresses alone, for a guest that brings its own DR7.
  void load(const ring1_cpu_state& cpu);
  // Right behind it.
  void disarm();
  // Before a visit to the host.
  void give_back() {
    if (loaded_) [[unlikely]]
      restore();
  }

 private:
  void restore();

  bool loaded_ = false;
  uint64_t host_[4] = {};
  uint64_t guest_[4] = {};
};

// What DR6 reports since the last call: breakpoints, single step.
uint64_t take_debug_status();

}  // namespace ring1::monitor
