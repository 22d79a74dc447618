// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/guest_memory.h"

namespace ring1::monitor {

using shadowmmu::Backing;

uint64_t* GuestMemory::slot(uint64_t gfn, bool create) {
  if (gfn >= kMaxGfn) return nullptr;
  uint64_t**& top = top_[gfn / (512 * kLeafEntries)];
  if (!top) {
    if (!create) return nullptr;
    top = static_cast<uint64_t**>(pool_.allocate_page());
    if (!top) return nullptr;
  }
  uint64_t*& leaf = top[gfn / kLeafEntries % 512];
  if (!leaf) {
    if (!create) return nullptr;
    leaf = static_cast<uint64_t*>(pool_.allocate_page());
    if (!leaf) return nullptr;
  }
  return &leaf[gfn % kLeafEntries];
}

Backing GuestMemory::known(Gpa page, Hpa* hpa, void** va) {
  const uint64_t* entry = slot(page.frame(), false);
  if (!entry || !(*entry & kKnown)) return Backing::kBlocked;
  *hpa = Hpa(*entry & kPageMask);
  *va = reinterpret_cast<void*>(RING1_GUEST_WINDOW + (page.frame() << kPageShift));
  return *entry & kWritable ? Backing::kRam : *entry & kClean ? Backing::kClean : Backing::kReadOnly;
}

Backing GuestMemory::pin(uint64_t gfn, unsigned wanted, bool write) {
  ring1_pin_request& request = host_.shared().pin;
  uint32_t before;
  // Commands may be served on the way to the answer, and take away what it says.
  do {
    before = generation_;
    request.gfn = gfn;
    request.count = wanted;
    request.write = write;
    host_.request(RING1_REQUEST_PIN);
  } while (request.backing == RING1_BACKING_RETRY || before != generation_);
  if (request.backing == RING1_BACKING_DEVICE) return Backing::kDevice;
  if (request.backing == RING1_BACKING_ERROR) return Backing::kBlocked;
  const bool writable = request.backing == RING1_BACKING_RAM, clean = request.backing == RING1_BACKING_CLEAN;
  const unsigned count = request.count;
  uint64_t pinned[RING1_PIN_MAX];  // slot() may ask the host for memory, and `request` is shared with it
  for (unsigned i = 0; i < count; i++) pinned[i] = request.hpa[i];
  for (unsigned i = 0; i < count; i++) {
    uint64_t* entry = slot(gfn + i, true);
    if (!entry) return Backing::kBlocked;
    *entry = pinned[i] | kKnown | (writable ? kWritable : 0) | (clean ? kClean : 0);
  }
  return writable ? Backing::kRam : clean ? Backing::kClean : Backing::kReadOnly;
}

Backing GuestMemory::page(Gpa page, Hpa* hpa, void** va) {
  const uint64_t gfn = page.frame();
  if (gfn >= kMaxGfn) return Backing::kDevice;
  const Backing backing = known(page, hpa, va);
  if (backing != Backing::kBlocked) return backing;
  const Backing pinned = pin(gfn, RING1_PIN_MAX, false);
  return has_memory(pinned) ? known(page, hpa, va) : pinned;
}

// One page only, as the request enters it into the log.
Backing GuestMemory::page_for_write(Gpa page, Hpa* hpa, void** va) {
  const Backing backing = this->page(page, hpa, va);
  if (backing != Backing::kClean) return backing;
  const Backing pinned = pin(page.frame(), 1, true);
  return has_memory(pinned) ? known(page, hpa, va) : pinned;
}

void GuestMemory::log_dirty(uint64_t gfn, uint64_t count) {
  generation_++;
  for (const uint64_t end = gfn + count < kMaxGfn ? gfn + count : kMaxGfn; gfn < end; gfn++) {
    uint64_t* entry = slot(gfn, false);
    if (entry && (*entry & kWritable)) *entry = (*entry & ~kWritable) | kClean;
  }
}

void GuestMemory::forget(uint64_t gfn, uint64_t count) {
  generation_++;
  for (const uint64_t end = gfn + count < kMaxGfn ? gfn + count : kMaxGfn; gfn < end; gfn++)
    if (uint64_t* entry = slot(gfn, false)) *entry = 0;
}

}  // namespace ring1::monitor
