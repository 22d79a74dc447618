// SPDX-License-Identifier: GPL-2.0-only
// The words of paging/ that every file in here uses.
#pragma once

#include "paging/guest_format.h"
#include "paging/guest_memory.h"
#include "paging/guest_walker.h"
#include "paging/mode.h"
#include "paging/page_source.h"
#include "paging/walk.h"

namespace ring1::shadowmmu {

using paging::Access;
using paging::Backing;
using paging::Cover;
using paging::GuestMemory;
using paging::GuestPointer;
using paging::GuestWalk;
using paging::GuestWalker;
using paging::has_memory;
using paging::LegacyFormat;
using paging::LongFormat;
using paging::PaeFormat;
using paging::Page;
using paging::PageSource;
using paging::PagingMode;
using paging::Pointers;
using paging::RangeScan;
using paging::Walk;

}  // namespace ring1::shadowmmu
