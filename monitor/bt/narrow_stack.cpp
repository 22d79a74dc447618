// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/bt/narrow_stack.h"

#include "monitor/world/freestanding.h"
#include "paging/entry.h"

namespace ring1::monitor {
namespace {

namespace entry = paging::entry;

// Not the 4 GiB right behind the guest's: an access of 32-bit code that begins below 4 GiB may end there.
constexpr uint64_t kWindow = uint64_t{2} << 32;
constexpr unsigned kFirstPointer = 8, kPointers = 4;  // entries of the low table: a GiB each
constexpr unsigned kEntries = 512, kPagesPerSlot = 16;
constexpr uint64_t kUpperHalf = 0xffff0000;
constexpr uint64_t kTable = entry::kPresent | entry::kWrite | entry::kAccessed;
constexpr uint64_t kLeaf = kTable | entry::kDirty | entry::kNoExecute;

// In the middle of the page: below it is room for what an NMI pushes, or a fault of the IRETQ.
constexpr unsigned kFrameOffset = 2048;
constexpr unsigned kStackHeader = 3;  // words at the base of the monitor's stack

}  // namespace

bool NarrowStack::init(ring1_switch& page) {
  paging::Page frame, table, directory;
  if (!pool_.allocate(&frame) || !pool_.allocate(&table) || !pool_.allocate(&directory)) return false;
  page_ = static_cast<uint64_t*>(frame.va);
  memcpy(page_, reinterpret_cast<const void*>(page.stack), kStackHeader * sizeof *page_);
  // The same three tables for every slot: a window costs as much as a page.
  for (unsigned i = 0; i < kEntries; i += kPagesPerSlot) static_cast<uint64_t*>(table.va)[i] = frame.hpa.raw() | kLeaf;
  for (unsigned i = 0; i < kEntries; i++) static_cast<uint64_t*>(directory.va)[i] = table.hpa.raw() | kTable;
  auto* pointers = reinterpret_cast<uint64_t*>(page.low_table);
  for (unsigned i = 0; i < kPointers; i++) pointers[kFirstPointer + i] = directory.hpa.raw() | kTable;
  return true;
}

uint64_t NarrowStack::frame_of(const TrapBlock& block) {
  uint64_t* frame = page_ + kFrameOffset / sizeof *page_;
  frame[0] = block.rip;
  frame[1] = block.cs;
  frame[2] = block.rflags;
  frame[3] = block.rsp;
  frame[4] = block.ss;
  return kWindow + (block.rsp & kUpperHalf) + kFrameOffset;
}

}  // namespace ring1::monitor
