// SPDX-License-Identifier: GPL-2.0-only
// Events through the guest's IDT, and returns from them, where everything is as kernels have it: 32-bit gates, flat segments
// whose descriptors are as they were the last time, stacks that are there. What the general way (emulator/system) would do in
// that case, in a tenth of its instructions. Anything else is left to that.
#pragma once

#include <cstdint>

#include "emulator/emulator.h"
#include "monitor/bt/guest_view.h"
#include "monitor/bt/segments.h"

namespace ring1::monitor {

class Gates {
 public:
  Gates(ring1_cpu_state& cpu, GuestView& view, const Segments& segments) : cpu_(cpu), view_(view), segments_(segments) {}

  // SDM 3A 6.12. False: nothing of the guest has changed.
  bool deliver(const emulator::Event& event);
  // IRET, SYSENTER, SYSEXIT (SDM 2A, 2B). True: done, at the same or another CPL of 0 or 3.
  bool interrupt_return();
  bool sysenter();
  bool sysexit();

 private:
  // A code or stack segment that was loaded before: good as long as nobody wrote to the tables.
  struct Known {
    uint16_t selector = 0;
    uint64_t generation = ~uint64_t{0};  // of Segments
    ring1_segment segment{};
  };

  bool load(uint16_t selector, unsigned cpl, bool code, Known* known) {
    return (known->generation == segments_.generation() && known->selector == selector) || read(selector, cpl, code, known);
  }
  bool read(uint16_t selector, unsigned cpl, bool code, Known* known);
  bool inner_stack(uint32_t* esp);
  bool no_inner_segments() const;

  ring1_cpu_state& cpu_;
  GuestView& view_;
  const Segments& segments_;
  Known kernel_code_, kernel_stack_, user_code_, user_stack_;
};

}  // namespace ring1::monitor
