// SPDX-License-Identifier: GPL-2.0-only
// Bits of an entry of the shadow tables, which have long mode's format.
#pragma once

#include "paging/entry.h"

namespace ring1::shadowmmu::entry {

using namespace paging::entry;

// Set by the processor behind our back in a shadow entry.
inline constexpr uint64_t kHardware = kAccessed | kDirty;

// Ours, in a shadow directory entry: it points to a piece of a large page.
inline constexpr uint64_t kSplit = 1u << 9;

}  // namespace ring1::shadowmmu::entry
