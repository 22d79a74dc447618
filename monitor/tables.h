// SPDX-License-Identifier: GPL-2.0-only
// The monitor's IDT and TSS, and its share of the descriptor tables.
#pragma once

#include "include/ring1/switch.h"

namespace ring1::monitor {

struct TrapBlock;

// Once: fills the IDT and the TSS, so that traps of the guest end in `block`.
void build_tables(ring1_switch& page, TrapBlock& block);

// After each return of the host: shadow GDT and monitor IDT instead of the transition tables.
void load_tables(const ring1_switch& page);

}  // namespace ring1::monitor
