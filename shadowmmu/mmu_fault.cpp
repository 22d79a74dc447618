// SPDX-License-Identifier: GPL-2.0-only
// The page-fault handler: walk the guest's tables, then make the shadow agree.
#include "base/bits.h"
#include "shadowmmu/shadow_mmu.h"

namespace ring1::shadowmmu {

namespace {
constexpr unsigned kTableMask = kEntries - 1;
constexpr uint64_t kTableSpan = uint64_t{kEntries} << kPageShift;

uint8_t access_of(uint64_t directory_entry, uint8_t mode) {
  const bool no_execute = (mode & Role::kNxe) && (directory_entry & entry::kNoExecute);
  return (directory_entry & entry::kWrite ? Role::kWrite : 0) | (directory_entry & entry::kUser ? Role::kUser : 0) |
         (no_execute ? 0 : Role::kExecute);
}
}  // namespace

FaultResult ShadowMmu::fault(Gva where, uint32_t error_code) {
  const Gva address = wrap(where);
  const Access access{(error_code & page_fault::kWrite) != 0, (error_code & page_fault::kUser) != 0,
                      (error_code & page_fault::kFetch) != 0};
  const uint64_t generation = memory_.generation();
  GuestWalk walk = walker_.walk(address, access);
  if (walk.blocked) return {FaultKind::kBlocked};
  note_use(walk);
  if (!walk.ok) return {FaultKind::kGuest, walk.fault};
  if (hole_.covers(address)) return {FaultKind::kHole, {}, walk.gpa};
  mark(&walk, access.write);
  if (walk.blocked) return {FaultKind::kBlocked};
  const FaultResult result = fill(walk, address, access, generation);
  settle();
  return result;
}

Walk ShadowMmu::translate(Gva address, Access access) {
  GuestWalk walk = walker_.walk(wrap(address), access);
  if (walk.ok) mark(&walk, access.write);
  return walk;
}

void ShadowMmu::mark(GuestWalk* walk, bool write) {
  unsigned changed = walker_.set_accessed_dirty(*walk, write);
  for (unsigned i = 0; changed; ++i, changed >>= 1) {
    const Gpa where = walk->entries[i].where;
    if ((changed & 1) && (reasons(where) & kTraceCode)) listener_.code_written(where, 4);
  }
}

// Whoever walks through a table uses it: it is no data page that merely was a table once.
void ShadowMmu::note_use(const Walk& walk) {
  for (unsigned i = 0; i < walk.entry_count; ++i) {
    if (PageInfo* info = infos_.find(walk.entries[i].where.frame())) info->writes = info->run = 0;
  }
}

FaultResult ShadowMmu::fill(const GuestWalk& walk, Gva address, Access access, uint64_t generation) {
  const uint64_t frame = walk.gpa.frame();
  if (frame >= PageInfos::kMaxFrames) return {FaultKind::kDevice, {}, walk.gpa};
  Hpa hpa;
  GuestPointer va;
  Backing backing = memory_.page(walk.gpa.page(), &hpa, &va);
  if (backing == Backing::kDevice) return {FaultKind::kDevice, {}, walk.gpa};
  if (backing == Backing::kBlocked) return {FaultKind::kBlocked, {}, walk.gpa};
  PageInfo* info = info_for(frame);
  if (!info) return {FaultKind::kBlocked, {}, walk.gpa};
  if (access.write && (backing == Backing::kReadOnly || info->reasons)) {
    if (backing == Backing::kReadOnly || !access.user || !release_from_user(info, frame)) {
      return {FaultKind::kTraced, {}, walk.gpa};
    }
  }
  // Making the table may trace the very page that is mapped: look at the reasons only afterwards.
  const unsigned table = table_for(walk, address);
  if (!table) return {FaultKind::kBlocked, {}, walk.gpa};
  if (access.write && (backing == Backing::kReadOnly || info->reasons)) return {FaultKind::kTraced, {}, walk.gpa};
  if (access.write && backing == Backing::kClean) backing = memory_.page_for_write(walk.gpa.page(), &hpa, &va);
  if (access.write && backing != Backing::kRam) return {FaultKind::kBlocked, {}, walk.gpa};
  // Memory went on the way here, perhaps the page or one of the tables: again from the beginning.
  if (generation != memory_.generation()) return {FaultKind::kHidden, {}, walk.gpa};
  const bool protect = backing != Backing::kRam || info->reasons;

  const Leaf rights{walk.writable, walk.user, walk.no_execute, walk.dirty};
  const bool wp = walker_.mode().wp || !walker_.mode().paging;
  const uint64_t value = hpa.raw() | entry::kAccessed | (access.write ? entry::kDirty : 0) |
                         leaf_value(rights, protect, wp, access.write && !access.user);
  const unsigned position = address.frame() & kTableMask;
  const Handle handle = table * kEntries + position;
  if (pool_.entry(handle)) tlb_.flush_page(address.page());
  set_leaf(handle, *info, frame, value);
  ++stats_.mmu_entries_filled;
  prefetch(table, position);
  return {FaultKind::kHidden, {}, walk.gpa};
}

// The shadow table for a translation, linked into the active directory. 0: out of memory.
unsigned ShadowMmu::table_for(const GuestWalk& walk, Gva address) {
  const uint8_t mode = role_mode();
  uint64_t frame;
  Role role{Kind::kTable};
  if (walk.page_bytes == kPageSize) {
    const Gpa where = walk.entries[1].where;
    frame = where.frame();
    role.quadrant = static_cast<uint8_t>(mode & Role::kPae ? 0 : where.offset() / (kPageSize / 2));
    role.access = access_of(walk.entries[0].value, mode);
    role.mode = without(mode, Role::kPse);
  } else {
    frame = (walk.gpa.raw() & ~(kTableSpan - 1)) >> kPageShift;
    role.kind = Kind::kSplit;
    role.access = (walk.writable ? Role::kWrite : 0) | (walk.user ? Role::kUser : 0) |
                  (walk.no_execute ? 0 : Role::kExecute) | (walk.dirty ? Role::kDirty : 0);
    role.mode = mode & Role::kWp;
  }
  const unsigned slot = static_cast<unsigned>(address.raw() >> 30);
  // The guest's directory was not in RAM when it was loaded, but is now.
  if (pool_.at(roots_[slot]).role.kind == Kind::kEmptyDirectory) {
    if (!load_roots() || pool_.at(roots_[slot]).role.kind == Kind::kEmptyDirectory) return 0;
    need_flush_ = true;
    look_under_hole();
  }
  const unsigned table = find_or_create(frame, role);
  if (!table) return 0;
  pool_.touch(table);
  const unsigned directory = roots_[slot];
  link_table(directory * kEntries + ((address.raw() >> 21) & kTableMask), table, address);
  return table;
}

void ShadowMmu::link_table(Handle parent, unsigned table, Gva address) {
  const uint64_t old = pool_.entry(parent);
  const Hpa hpa = pool_.at(table).hpa;
  if ((old & entry::kFrame) == hpa.raw() && (old & entry::kPresent)) return;
  if (old) {
    drop_link(parent);
    tlb_.flush_page(address.page());  // the processor may have cached the old directory entry
  }
  const uint64_t split = pool_.at(table).role.kind == Kind::kSplit ? entry::kSplit : 0;
  pool_.entry(parent) = hpa.raw() | entry::kPresent | entry::kWrite | entry::kUser | split;
  reverse_.add_parent(table, parent);
  ++pool_.at(index_of(parent)).present;
}

// The guest's rights as bits of a shadow leaf. A page not yet dirty is mapped read-only so that the first write
// comes here. Without CR0.WP a supervisor may write to read-only pages: a user page is then taken away from the user
// until the user's next access, which makes it read-only again.
uint64_t ShadowMmu::leaf_value(Leaf rights, bool protect, bool wp, bool supervisor_write) const {
  bool write = rights.write && rights.dirty;
  bool user = rights.user;
  if (!wp && !rights.write && rights.dirty && !protect) {
    if (!user) {
      write = true;
    } else if (supervisor_write) {
      write = true;
      user = false;
    }
  }
  return entry::kPresent | (write && !protect ? entry::kWrite : 0) | (user ? entry::kUser : 0) |
         (rights.no_execute ? entry::kNoExecute : 0);
}

void ShadowMmu::set_leaf(Handle handle, PageInfo& info, uint64_t frame, uint64_t value) {
  if (const uint64_t old = pool_.entry(handle)) {
    // A wider right needs no flush: a processor that still has the narrower one faults and comes here.
    const bool widened = !((old ^ value) & entry::kFrame) && !(old & ~value & entry::kWrite);
    const bool stale = stale_;
    drop_leaf(handle);
    if (widened) stale_ = stale;
  }
  pool_.entry(handle) = value;
  reverse_.add_leaf(info, static_cast<uint32_t>(frame), handle);
  ++pool_.at(index_of(handle)).present;
}

}  // namespace ring1::shadowmmu
