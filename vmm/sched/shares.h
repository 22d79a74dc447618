// SPDX-License-Identifier: GPL-2.0-only
// The share of a processor that each of some guests asks for, if all of them always wanted to run.
#pragma once

#include <vector>

#include "vmm/sched/settings.h"

namespace ring1::vmm {

// 1 is one processor. All guests are under one policy; nothing is asked for under another name.
std::vector<double> asked_shares(const std::vector<SchedState>& guests, unsigned processors);

}  // namespace ring1::vmm
