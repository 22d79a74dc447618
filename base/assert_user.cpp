// SPDX-License-Identifier: GPL-2.0-only
#include <cstdio>
#include <cstdlib>

#include "base/assert.h"

namespace ring1 {

void assertion_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expression);
  std::abort();
}

}  // namespace ring1
