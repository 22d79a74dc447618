// SPDX-License-Identifier: GPL-2.0-only
// One attempt to deliver an event; what a failed attempt leads to is double_fault.h's matter.
#pragma once

#include "emulator/system/sys.h"

namespace ring1::emulator {

// Through the real-mode vector table or the IDT, by the mode sys.cpu is in. RIP is the return address.
// A fault on the way is in *sys.fault() with its EXT bit by sys.ext.
[[nodiscard]] Outcome deliver_once(Sys& sys, const Event& event);

}  // namespace ring1::emulator
