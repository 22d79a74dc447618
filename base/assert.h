// SPDX-License-Identifier: GPL-2.0-only
// Assertions stay on in every build. What a failure does is the environment's choice: in the monitor it
// ends the virtual machine with a dump and returns to the host, in user space it aborts.
#pragma once

namespace ring1 {

[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace ring1

#define RING1_ASSERT(expression) \
  (__builtin_expect(!!(expression), 1) ? (void)0 : ::ring1::assertion_failed(#expression, __FILE__, __LINE__))
