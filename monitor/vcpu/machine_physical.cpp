// SPDX-License-Identifier: GPL-2.0-only
// Guest memory at a physical address that a register names: what lies there may be anything, or nothing. Only RAM is
// written, through the same doors as by an instruction: the dirty log, traces, descriptor tables hear of it.
#include "monitor/world/freestanding.h"
#include "monitor/vcpu/machine.h"

namespace ring1::monitor {

using paging::Backing;

namespace {

unsigned within_page(Gpa gpa, unsigned size) {
  const uint64_t room = kPageSize - gpa.offset();
  return room < size ? static_cast<unsigned>(room) : size;
}

}  // namespace

bool Machine::read_physical(Gpa from, void* to, unsigned size) {
  auto* bytes = static_cast<uint8_t*>(to);
  for (unsigned done = 0, now; done < size; done += now) {
    const Gpa at = from + done;
    now = within_page(at, size - done);
    Hpa hpa;
    paging::GuestPointer va;
    if (!paging::has_memory(memory_.page(at.page(), &hpa, &va))) return false;
    memcpy(bytes + done, va.in(memory_) + at.offset(), now);
  }
  return true;
}

bool Machine::write_physical(Gpa to, const void* from, unsigned size) {
  const auto* bytes = static_cast<const uint8_t*>(from);
  for (unsigned done = 0, now; done < size; done += now) {
    const Gpa at = to + done;
    now = within_page(at, size - done);
    Hpa hpa;
    paging::GuestPointer va;
    if (memory_.page_for_write(at.page(), &hpa, &va) != Backing::kRam) return false;
    memcpy(va.in(memory_) + at.offset(), bytes + done, now);
    mmu_.guest_wrote(at, now);
    if (store_watcher_) store_watcher_->stored(at, now);
  }
  return true;
}

}  // namespace ring1::monitor
