// SPDX-License-Identifier: GPL-2.0-only
// The way into user code on a 16-bit stack. IRET to a stack segment with B = 0 loads SP and leaves ESP's upper half as
// it was (SDM 2A, IRET): the monitor's. So that IRETQ finds its frame at an address whose bits 31:16 are the guest's
// ESP's. 4 GiB which no 32-bit code can reach show one page at the start of each 64 KiB. They are not those right behind the
// guest's: where a processor does not wrap at 4 GiB, the end of an access would lie there.
//
// That page begins like the monitor's stack does (switch.h): who looks for the switch page or the trap block at the
// base of the stack it runs on finds them here as well (docs/races.md).
#pragma once

#include <cstdint>

#include "include/ring1/switch.h"
#include "monitor/world/page_pool.h"
#include "monitor/bt/trap_block.h"

namespace ring1::monitor {

class NarrowStack {
 public:
  explicit NarrowStack(PagePool& pool) : pool_(pool) {}

  // Once, when the base of the monitor's stack is complete. False: no memory.
  [[nodiscard]] bool init(ring1_switch& page);

  // Puts the block's frame on the page; gives the RSP for ring1_enter_guest_on().
  uint64_t frame_of(const TrapBlock& block);

 private:
  PagePool& pool_;
  uint64_t* page_ = nullptr;
};

}  // namespace ring1::monitor
