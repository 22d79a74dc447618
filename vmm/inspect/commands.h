// SPDX-License-Identifier: GPL-2.0-only
// The commands that look at the host and at running guests. Each returns the exit status.
#pragma once

#include "vmm/options.h"

namespace ring1::vmm {

int stats_command(const StatsOptions& options);
int sched_command(const SchedOptions& options);
int top_command(const TopOptions& options);
int ps_command(const PsOptions& options);
int check_command();
int log_command(const LogOptions& options);

}  // namespace ring1::vmm
