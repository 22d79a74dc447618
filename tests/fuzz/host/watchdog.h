// SPDX-License-Identifier: GPL-2.0-only
// Ends a generation, and sees that all of it ends.
#pragma once

#include <sys/types.h>

namespace ring1::fuzz {

// Kills the process group and waits for everything that was born of it. False: something is left.
bool end_group(pid_t group);
// What is left, and where in the kernel it is.
void print_processes();

}  // namespace ring1::fuzz
