// SPDX-License-Identifier: GPL-2.0-only
// The dynamic part of a task in its TSS, whichever of the two formats it has.
#pragma once

#include "emulator/system/task_state.h"

namespace ring1::emulator {

struct TaskImage {
  bool wide = true;
  bool trap = false;
  uint32_t cr3 = 0, eip = 0, eflags = 0, gpr[8] = {};
  uint16_t segment[kSegmentCount] = {}, ldt = 0;

  [[nodiscard]] Outcome load(Sys& sys, uint64_t base);
};

// Can the state be saved there? Nothing is written.
[[nodiscard]] Outcome probe_task(Sys& sys, const ring1_segment& tr);
// Saves the registers of sys.cpu, with these flags.
[[nodiscard]] Outcome save_task(Sys& sys, const ring1_segment& tr, uint32_t eflags);

}  // namespace ring1::emulator
