// SPDX-License-Identifier: GPL-2.0-only
// May the current program use these ports (SDM 1 19.5)? IOPL, then the TSS' permission bitmap.
#pragma once

#include "emulator/context.h"

namespace ring1::emulator {

// false with #GP(0) (or the fault of reading the TSS) in the context.
bool port_allowed(Context& c, uint16_t port, unsigned size);

}  // namespace ring1::emulator
