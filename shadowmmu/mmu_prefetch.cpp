// SPDX-License-Identifier: GPL-2.0-only
// Entries made without a fault.
#include "shadowmmu/shadow_mmu.h"

namespace ring1::shadowmmu {

// Entries around a fault that the guest is likely to touch next, if they cost no work of the host.
void ShadowMmu::prefetch(unsigned table, unsigned position) {
  const unsigned count = pool_.at(table).role.kind == Kind::kSplit ? limits_.prefetch_large : limits_.prefetch;
  const unsigned first = position & ~(count - 1);
  for (unsigned i = first; i < first + count; ++i) {
    if (!pool_.at(table).entries[i] && fill_known(table, i)) ++stats_.mmu_prefetched;
  }
}

// Makes an entry from the guest's as it is, without setting Accessed or Dirty there; it may replace an older one.
// False: nothing done, as the guest's entry does not allow it or the page behind it is not known.
bool ShadowMmu::fill_known(unsigned table, unsigned position) {
  ShadowPage& page = pool_.at(table);
  const Role role = page.role;
  Leaf rights{(role.access & Role::kWrite) != 0, (role.access & Role::kUser) != 0, !(role.access & Role::kExecute),
              (role.access & Role::kDirty) != 0};
  uint64_t frame = page.frame + position;
  if (role.kind == Kind::kTable) {
    uint64_t guest;
    if (!guest_entry(page, position, &guest)) return false;
    const bool pae = role.mode & Role::kPae;
    if ((guest & (entry::kPresent | entry::kAccessed)) != (entry::kPresent | entry::kAccessed)) return false;
    PagingMode mode = walker_.mode();
    mode.nxe = role.mode & Role::kNxe;
    if (pae && (guest & PaeFormat::reserved(mode, false))) return false;
    rights.write &= (guest & entry::kWrite) != 0;
    rights.user &= (guest & entry::kUser) != 0;
    rights.no_execute |= (guest & entry::kNoExecute) != 0;
    rights.dirty = guest & entry::kDirty;
    frame = (pae ? PaeFormat::frame(guest) : LegacyFormat::frame(guest)) >> kPageShift;
  }
  if (frame >= PageInfos::kMaxFrames) return false;
  Hpa hpa;
  GuestPointer va;
  const Backing backing = memory_.known(Gpa(frame << kPageShift), &hpa, &va);
  if (!has_memory(backing)) return false;
  PageInfo* info = infos_.get(frame);
  if (!info) return false;
  const bool protect = backing != Backing::kRam || info->reasons;
  const uint64_t value = hpa.raw() | leaf_value(rights, protect, role.mode & Role::kWp, false);
  const Handle handle = table * kEntries + position;
  set_leaf(handle, *info, frame, value);
  return true;
}

}  // namespace ring1::shadowmmu
