// SPDX-License-Identifier: GPL-2.0-only
// An exception on its way.
#pragma once

#include <cstdint>

#include "x86/exception.h"

namespace ring1 {

struct Fault {
  Vector vector;
  uint32_t error_code = 0;  // meaningful if pushes_error_code(vector)
  uint64_t cr2 = 0;         // #PF only
};

}  // namespace ring1
