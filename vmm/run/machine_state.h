// SPDX-License-Identifier: GPL-2.0-only
// Of a saved machine, what must be known before there is one.
#pragma once

#include "vmm/kvm/cpuid.h"
#include "vmm/state/snapshot.h"

namespace ring1::vmm {

struct SavedConfig {
  uint8_t isa_debug_exit;
  uint8_t active_time;
};

Cpuid saved_cpuid(const Snapshot& snapshot);
SavedConfig saved_config(const Snapshot& snapshot);

}  // namespace ring1::vmm
