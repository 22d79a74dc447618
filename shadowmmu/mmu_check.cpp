// SPDX-License-Identifier: GPL-2.0-only
// The invariants of the shadow tables, checked from scratch. Slow, for tests.
#include "shadowmmu/shadow_mmu.h"

namespace ring1::shadowmmu {

class Checker {
 public:
  explicit Checker(const ShadowMmu& mmu) : mmu_(mmu), pool_(mmu.pool_) {}

  const char* run() {
    uint64_t leaves = 0, chained = 0;
    for (unsigned index = 1; index < pool_.end(); ++index) {
      if (!pool_.at(index).live) continue;
      if (!pool_.at(index).role.is_directory()) leaves += pool_.at(index).present;
      if (const char* error = page(index)) return error;
    }
    const PageInfos& infos = mmu_.infos_;
    for (uint64_t frame = infos.next(0); frame < PageInfos::kMaxFrames; frame = infos.next(frame + 1)) {
      if (const char* error = guest_page(frame, *infos.find(frame), &chained)) return error;
    }
    if (leaves != chained) return "leaves and reverse map differ in number";
    return nullptr;
  }

 private:
  const char* page(unsigned index) {
    const ShadowPage& page = pool_.at(index);
    unsigned present = 0;
    for (unsigned i = 0; i < kEntries; ++i) {
      const uint64_t value = page.entries[i];
      const Handle handle = index * kEntries + i;
      if (page.role.is_directory() && mmu_.hole_.covers(page.role.quadrant, i)) {
        if ((value & ~entry::kHardware) != mmu_.hole_.entry(page.role.quadrant, i)) return "hole not installed";
        continue;
      }
      if (!value) continue;
      ++present;
      const char* error = page.role.is_directory() ? link(page, handle, value) : leaf(page, handle, value);
      if (error) return error;
    }
    return present == page.present ? nullptr : "count of present entries is wrong";
  }

  uint32_t owner(Handle handle) const {
    while (!(pool_.link(handle).prev & Link::kOwner)) handle = pool_.link(handle).prev;
    return pool_.link(handle).prev & ~Link::kOwner;
  }

  bool access_matches(uint64_t guest, Role directory, Role role) const {
    const bool no_execute = (directory.mode & Role::kNxe) && (guest & entry::kNoExecute);
    return !(guest & entry::kWrite) == !(role.access & Role::kWrite) &&
           !(guest & entry::kUser) == !(role.access & Role::kUser) && no_execute == !(role.access & Role::kExecute);
  }

  uint64_t guest_entry(Handle handle) const {
    uint64_t value = 0;
    return mmu_.guest_entry(pool_.at(index_of(handle)), position_of(handle), &value) ? value : 0;
  }

  const char* link(const ShadowPage& page, Handle handle, uint64_t value) {
    const unsigned position = position_of(handle);
    const ShadowPage& table = pool_.at(owner(handle));
    if (!table.live || table.hpa.raw() != (value & entry::kFrame)) return "directory entry points elsewhere";
    if (page.role.kind == Kind::kEmptyDirectory) return "entry in an empty directory";
    if (page.role.kind == Kind::kIdentityDirectory) {
      return table.frame == page.frame + position * kEntries ? nullptr : "identity directory is wrong";
    }
    const uint64_t guest = guest_entry(handle);
    if (!(guest & entry::kPresent) || !(guest & entry::kAccessed)) return "linked, but guest entry not present";
    if (!access_matches(guest, page.role, table.role)) return "rights of the linked table differ";
    const bool pae = page.role.mode & Role::kPae;
    const bool large = (guest & entry::kLarge) && (pae || (page.role.mode & Role::kPse));
    if (large != (table.role.kind == Kind::kSplit)) return "large page and table confused";
    uint64_t base;
    if (!large)
      base = pae ? PaeFormat::frame(guest) : LegacyFormat::frame(guest);
    else if (pae)
      base = PaeFormat::large_frame(guest);
    else
      base = LegacyFormat::large_frame(guest) + (uint64_t{position & 1u} << 21);
    if (base >> kPageShift != table.frame) return "linked table has another frame";
    if (large && (table.role.access & Role::kDirty) && !(guest & entry::kDirty)) return "dirty, but guest is not";
    return nullptr;
  }

  const char* leaf(const ShadowPage& page, Handle handle, uint64_t value) {
    const uint64_t frame = owner(handle);
    const PageInfo* info = mmu_.infos_.find(frame);
    Hpa hpa;
    GuestPointer va;
    const Backing backing = mmu_.memory_.page(Gpa(frame << kPageShift), &hpa, &va);
    if (!has_memory(backing)) return "maps what is no RAM";
    if (hpa.raw() != (value & entry::kFrame)) return "leaf points elsewhere";
    const bool write = value & entry::kWrite, user = value & entry::kUser;
    if (write && (info->reasons || backing != Backing::kRam)) return "traced page is writable";
    const Role role = page.role;
    bool may_write = role.access & Role::kWrite, may_user = role.access & Role::kUser;
    bool dirty = role.access & Role::kDirty, no_execute = !(role.access & Role::kExecute);
    uint64_t expected = page.frame + position_of(handle);
    if (role.kind == Kind::kTable) {
      const uint64_t guest = guest_entry(handle);
      if (!(guest & entry::kPresent) || !(guest & entry::kAccessed)) return "leaf, but guest entry not present";
      may_write &= (guest & entry::kWrite) != 0;
      may_user &= (guest & entry::kUser) != 0;
      no_execute |= (role.mode & Role::kNxe) && (guest & entry::kNoExecute);
      dirty = guest & entry::kDirty;
      expected = (role.mode & Role::kPae ? PaeFormat::frame(guest) : LegacyFormat::frame(guest)) >> kPageShift;
    }
    if (expected != frame) return "leaf maps another guest page";
    if (user && !may_user) return "user may more than in the guest";
    if (no_execute && !(value & entry::kNoExecute)) return "executable, but not in the guest";
    if (write && !dirty) return "writable, but not dirty in the guest";
    if (write && !may_write && ((role.mode & Role::kWp) || user)) return "writable, but not in the guest";
    return nullptr;
  }

  const char* guest_page(uint64_t frame, const PageInfo& info, uint64_t* chained) {
    Handle before = Link::kOwner | static_cast<Handle>(frame);
    for (Handle at = info.mappings; at; at = pool_.link(at).next) {
      if (pool_.link(at).prev != before) return "reverse map is broken";
      if (!(pool_.entry(at) & entry::kPresent)) return "reverse map holds an entry that is not present";
      before = at;
      ++*chained;
    }
    bool table = false;
    for (unsigned at = info.shadows; at; at = pool_.at(at).next_same_frame) {
      if (!pool_.at(at).live || pool_.at(at).frame != frame) return "chain of shadows is broken";
      table |= pool_.at(at).role.has_guest_table();
    }
    if (table != ((info.reasons & kTracePageTable) != 0)) return "page-table trace differs from shadows";
    return nullptr;
  }

  const ShadowMmu& mmu_;
  const ShadowPool& pool_;
};

const char* ShadowMmu::check() const { return Checker(*this).run(); }

}  // namespace ring1::shadowmmu
