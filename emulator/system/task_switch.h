// SPDX-License-Identifier: GPL-2.0-only
// Hardware task switches (SDM 3A 7.3).
#pragma once

#include "emulator/system/descriptor.h"

namespace ring1::emulator {

enum class TaskSwitch { kJump, kCall, kReturn, kEvent };

// Switches to the task of a TSS selector whose privilege has been checked. sys.cpu's RIP and RFLAGS are what the
// old task will continue with. Faults before the old task is saved belong to the old task and change nothing; later
// ones belong to the new task, and the processor is left in it (SDM 3A 7.3, after step 11): sys is committed then.
// kTrap: the new TSS' T bit asks for #DB.
[[nodiscard]] Outcome task_switch(Sys& sys, uint16_t selector, TaskSwitch reason);

// Through a task gate that may be used.
[[nodiscard]] Outcome task_gate(Sys& sys, const Descriptor& gate, TaskSwitch reason);

}  // namespace ring1::emulator
