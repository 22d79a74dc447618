// SPDX-License-Identifier: GPL-2.0-only
// Is the guest's handler of a timer's interrupt still at work? It is if the guest's kernel stands deeper in the stack
// than the frame that its interrupt pushed, and the frame is still there: whoever has returned pushes something else
// over it with the next word. The outermost of such handlers counts. What is on a stack of its own, in long mode or
// behind a gate of another size, is not seen.
#pragma once

#include "include/ring1/cpu_state.h"
#include "monitor/vcpu/guest_reader.h"

namespace ring1::monitor {

class TickHandler {
 public:
  TickHandler(const ring1_cpu_state& cpu, GuestReader& memory) : cpu_(cpu), memory_(memory) {}

  // An interrupt of a timer is about to be delivered. ring1_cpu_state is up to date, here and below.
  void begins();
  bool at_work();

 private:
  // Deeper than a handler's stack goes as a rule, and less than from one task's stack to the next.
  static constexpr uint32_t kDeepest = 4096;

  bool frame_is_there();

  const ring1_cpu_state& cpu_;
  GuestReader& memory_;
  uint32_t frame_ = 0;  // linear address of the word that has EIP; 0: no handler was seen
  uint32_t word_ = 4;   // bytes of each
  uint32_t eip_ = 0;
  uint16_t cs_ = 0;
};

}  // namespace ring1::monitor
