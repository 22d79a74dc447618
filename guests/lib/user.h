// SPDX-License-Identifier: GPL-2.0-only
// Ring 3. User code runs in the same flat space; with paging on, its pages and run_user()'s stack must be user pages.
#pragma once

#include <stdint.h>

namespace guest {

// Runs the function at ring 3 with these flags (IF is the caller's choice) and comes back.
void run_user(void (*function)(), uint32_t eflags = 2);

// Where the function's return address lies.
uint32_t* user_stack_top();

}  // namespace guest
