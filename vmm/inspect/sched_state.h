// SPDX-License-Identifier: GPL-2.0-only
// The scheduler's parameters of a running guest, through debugfs.
#pragma once

#include "vmm/inspect/debugfs.h"
#include "vmm/sched/settings.h"

namespace ring1::vmm {

// Nothing: not under our scheduler.
std::optional<SchedState> read_sched(const RunningGuest& guest);
// Throws a Failure if the module refuses.
void write_sched(const RunningGuest& guest, const ring1_sched_params& params);

}  // namespace ring1::vmm
