// SPDX-License-Identifier: GPL-2.0-only
// `ring1 run`.
#pragma once

#include "vmm/options.h"

namespace ring1::vmm {

// Returns the exit status.
int run_command(const RunOptions& options);

}  // namespace ring1::vmm
