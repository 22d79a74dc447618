// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/bt/guest_view.h"

#include "monitor/world/hardware.h"
#include "x86/exception.h"

namespace ring1::monitor {

// The guest's tables may say yes where the shadows do not yet: a page that only the processor itself would touch, as that of
// the IDT, comes into them here.
bool GuestView::fill(bool write) {
  const Gva address = Gva(hardware::read_cr2());
  const uint32_t error = write ? page_fault::kWrite : 0;
  return mmu_.fault(address, error).kind == shadowmmu::FaultKind::kHidden && up_to_date();
}

bool GuestView::load_filled(uint64_t linear, void* to, unsigned words) {
  return fill(false) && ring1_guest_load(to, static_cast<uint32_t>(linear), words);
}

bool GuestView::store_filled(uint64_t linear, const void* from, unsigned words) {
  return fill(true) && ring1_guest_store(static_cast<uint32_t>(linear), from, words);
}

}  // namespace ring1::monitor
