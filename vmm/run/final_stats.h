// SPDX-License-Identifier: GPL-2.0-only
// The statistics of the tool's own guest.
#pragma once

#include <string>

#include "vmm/run/machine.h"

namespace ring1::vmm {

// {"vcpu": {...}, "vm": {...}}
void write_final_stats(const Machine& machine, const std::string& path);

// For a terminal in raw mode; counters that are zero are left out.
std::string statistics_table(const Machine& machine);

}  // namespace ring1::vmm
