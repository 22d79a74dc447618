// SPDX-License-Identifier: GPL-2.0-only
// The commands that speak to a running guest. Each returns the exit status.
#pragma once

#include "vmm/options.h"

namespace ring1::vmm {

int save_command(const SaveOptions& options);

}  // namespace ring1::vmm
