// SPDX-License-Identifier: GPL-2.0-only
// The end of a virtual machine whose monitor has found itself wrong: a dump into the log, then back to the host.
#pragma once

#include <cstdint>

namespace ring1::monitor {

class Monitor;

// Makes `monitor` the one that assertion_failed() and a fault of ring 0 find, from the stack they run on.
void set_current(Monitor* monitor);

}  // namespace ring1::monitor
