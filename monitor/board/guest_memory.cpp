// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/board/guest_memory.h"

#include "monitor/world/freestanding.h"

namespace ring1::monitor {

using paging::Backing;

namespace {

constexpr unsigned kPageWork = 100;  // instructions of a look-up and of what its caller does with it, for Host::work()

constexpr unsigned kEntryWork = 30;  // of a turn through all entries

}  // namespace

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

Backing GuestMemory::known(Gpa page, Hpa* hpa, paging::GuestPointer* va) {
  const uint64_t* entry = slot(page.frame(), false);
  if (!entry || !(*entry & kKnown)) return Backing::kBlocked;
  *hpa = Hpa(*entry & kPageMask);
  *va = {reinterpret_cast<void*>(RING1_GUEST_WINDOW + (page.frame() << kPageShift)), generation_};
  return *entry & kWritable ? Backing::kRam : *entry & kClean ? Backing::kClean : Backing::kReadOnly;
}

// Memory for the entries of both is there, and stays until the next visit to the host. To take it is one itself, with
// which a leaf of a moment ago may go.
bool GuestMemory::make_room(uint64_t first, uint64_t last) {
  while (!slot(first, false) || !slot(last, false))
    if (!slot(first, true) || !slot(last, true)) return false;
  return true;
}

Backing GuestMemory::pin(uint64_t gfn, unsigned wanted, bool write) {
  ring1_pin_request& request = host_.shared().pin;
  do {
    // No visit to the host may come between the answer and its use: memory for it is taken before.
    if (!make_room(gfn, gfn + wanted <= kMaxGfn ? gfn + wanted - 1 : gfn)) return Backing::kBlocked;
    request.gfn = gfn;
    request.count = wanted;
    request.write = write;
    host_.request(RING1_REQUEST_PIN);
  } while (request.backing == RING1_BACKING_RETRY || host_.withdrew(gfn, wanted));
  if (request.backing == RING1_BACKING_DEVICE) return Backing::kDevice;
  if (request.backing == RING1_BACKING_ERROR) return Backing::kBlocked;
  const bool writable = request.backing == RING1_BACKING_RAM, clean = request.backing == RING1_BACKING_CLEAN;
  for (unsigned i = 0; i < request.count; i++)
    *slot(gfn + i, false) = request.hpa[i] | kKnown | (writable ? kWritable : 0) | (clean ? kClean : 0);
  return writable ? Backing::kRam : clean ? Backing::kClean : Backing::kReadOnly;
}

// How many pages a look-up may take along: what is known stays as it is. If the log has let a page be written, it would be read-only
// again in the middle of an instruction that goes on to write it.
unsigned GuestMemory::unknown_from(uint64_t gfn) {
  unsigned count = 1;
  for (; count < RING1_PIN_MAX; count++) {
    const uint64_t* entry = slot(gfn + count, false);
    if (entry && (*entry & kKnown)) break;
  }
  return count;
}

Backing GuestMemory::page(Gpa page, Hpa* hpa, paging::GuestPointer* va) {
  const uint64_t gfn = page.frame();
  host_.work(kPageWork);
  if (gfn >= kMaxGfn) return Backing::kDevice;
  const Backing backing = known(page, hpa, va);
  if (backing != Backing::kBlocked) return backing;
  const Backing pinned = pin(gfn, unknown_from(gfn), false);
  return has_memory(pinned) ? known(page, hpa, va) : pinned;
}

// One page only, as the request enters it into the log.
Backing GuestMemory::page_for_write(Gpa page, Hpa* hpa, paging::GuestPointer* va) {
  const Backing backing = this->page(page, hpa, va);
  if (backing != Backing::kClean) return backing;
  const Backing pinned = pin(page.frame(), 1, true);
  return has_memory(pinned) ? known(page, hpa, va) : pinned;
}

void GuestMemory::log_dirty(uint64_t gfn, uint64_t count) {
  generation_++;
  for (const uint64_t end = gfn + count < kMaxGfn ? gfn + count : kMaxGfn; gfn < end; gfn++) {
    host_.work(kEntryWork);
    uint64_t* entry = slot(gfn, false);
    if (entry && (*entry & kWritable)) *entry = (*entry & ~kWritable) | kClean;
  }
}

// In the middle of anything, and of another visit to the host: no turn for the host in here. So what is forgotten as a
// whole is not cleared but given back.
void GuestMemory::forget(uint64_t gfn, uint64_t count) {
  generation_++;
  const uint64_t end = gfn + count < kMaxGfn ? gfn + count : kMaxGfn;
  for (uint64_t next; gfn < end; gfn = next) {
    next = (gfn & ~uint64_t{kLeafEntries - 1}) + kLeafEntries;
    if (next > end) next = end;
    uint64_t* entries = slot(gfn, false);
    if (!entries) continue;
    if (next - gfn < kLeafEntries) {
      memset(entries, 0, (next - gfn) * sizeof *entries);
    } else {
      top_[gfn / (512 * kLeafEntries)][gfn / kLeafEntries % 512] = nullptr;
      pool_.release_page(entries);
    }
  }
}

}  // namespace ring1::monitor
