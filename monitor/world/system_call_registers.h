// SPDX-License-Identifier: GPL-2.0-only
// STAR, LSTAR, CSTAR, SFMASK and the other half of SWAPGS, which VT-x does not switch (SDM 3A 5.8.7, 5.8.8). A guest in
// long mode has its own in the processor from its entry on until the host is visited; the host's are put aside
// meanwhile. The host's KERNEL_GS_BASE is the world switch's (hostdriver/world/switch.S).
#pragma once

#include <cstdint>

#include "include/ring1/cpu_state.h"

namespace ring1::monitor {

class SystemCallRegisters {
 public:
  // Right before the guest.
  void load(const ring1_cpu_state& cpu);
  // SWAPGS changes one of them without an exit: into ring1_cpu_state, which counts until the next load().
  void take(ring1_cpu_state* cpu);
  // Before a visit to the host.
  void give_back(ring1_cpu_state* cpu) {
    if (loaded_) [[unlikely]]
      restore(cpu);
  }

 private:
  static constexpr unsigned kCount = 4;
  void restore(ring1_cpu_state* cpu);

  bool loaded_ = false;
  bool swapped_ = false;  // the processor's KERNEL_GS_BASE is the guest's
  uint64_t host_[kCount] = {};
  uint64_t guest_[kCount] = {};
};

}  // namespace ring1::monitor
