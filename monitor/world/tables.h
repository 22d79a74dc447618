// SPDX-License-Identifier: GPL-2.0-only
// The monitor's IDT and TSS, and its share of the descriptor tables.
#pragma once

#include <cstdint>

#include "include/ring1/switch.h"

namespace ring1::monitor {

// Once: fills the IDT and the TSS. Nobody but the processor reaches a gate.
void build_tables(ring1_switch& page);

// INT n reaches the gate of `vector` from rings 0 to `dpl`.
void open_gate(ring1_switch& page, unsigned vector, unsigned dpl);

// Where traps of a guest at rings 1 and 3 push their frames (RSP0).
void set_trap_stack(ring1_switch& page, uint64_t top);

// After each return of the host: shadow GDT and monitor IDT instead of the transition tables.
void load_tables(const ring1_switch& page);

}  // namespace ring1::monitor
