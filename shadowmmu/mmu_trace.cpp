// SPDX-License-Identifier: GPL-2.0-only
// Traces on guest pages, and guest pages that go away.
#include "base/bits.h"
#include "shadowmmu/shadow_mmu.h"

namespace ring1::shadowmmu {

namespace {
// Instructions, for Listener::worked().
constexpr unsigned kMappingWork = 20, kDropWork = 50, kFrameWork = 40;
}  // namespace

uint8_t ShadowMmu::reasons(Gpa page) const {
  const PageInfo* info = infos_.find(page.frame());
  return info ? info->reasons : 0;
}

bool ShadowMmu::trace_write(Gpa page, TraceReason reason) {
  PageInfo* info = info_for(page.frame());
  if (info) {
    if (!info->reasons) protect(*info);
    info->reasons |= reason;
  }
  settle();
  return info;
}

// Mappings become writable again one by one, at their next write fault.
void ShadowMmu::untrace(Gpa page, TraceReason reason) {
  RING1_ASSERT(reason != kTracePageTable);
  if (PageInfo* info = infos_.find(page.frame())) info->reasons &= ~reason;
}

// Takes the right to write from every mapping of a page. Translations that are no longer in the shadows may still be
// in the TLB (see guest_wrote()): those are not found here, hence stale_.
void ShadowMmu::protect(PageInfo& info) {
  need_flush_ |= stale_;
  for (Handle at = info.mappings; at; at = reverse_.next(at)) {
    listener_.worked(kMappingWork);
    uint64_t& leaf = pool_.entry(at);
    if (!(leaf & entry::kWrite)) continue;
    leaf &= ~entry::kWrite;
    need_flush_ = true;
  }
}

void ShadowMmu::log_dirty(Gpa first, uint64_t pages) {
  const uint64_t begin = first.frame();
  if (begin >= PageInfos::kMaxFrames) return;
  const uint64_t end = pages > PageInfos::kMaxFrames - begin ? PageInfos::kMaxFrames : begin + pages;
  for (uint64_t frame = infos_.next(begin); frame < end; frame = infos_.next(frame + 1)) {
    listener_.worked(kFrameWork);
    protect(*infos_.find(frame));
  }
  need_flush_ |= stale_;
  settle();
}

void ShadowMmu::lose_dependency(PageInfo* info, Gpa page) {
  if (!(info->reasons & kTraceDependency)) return;
  info->reasons = without(info->reasons, kTraceDependency);
  listener_.code_table_lost(page);
}

bool ShadowMmu::unprotect(Gpa page) {
  PageInfo* info = infos_.find(page.frame());
  if (!info) return true;
  zap_all_of(info, page.frame(), true);
  if (!(info->reasons & kTracePageTable)) {
    info->reasons = without(info->reasons, kTraceHole);
    lose_dependency(info, page.page());
  }
  settle();
  return info->reasons == 0;
}

// Kernels do not let user code write to their page tables: this page is none any more.
bool ShadowMmu::release_from_user(PageInfo* info, uint64_t frame) {
  constexpr uint8_t kOurs = kTracePageTable | kTraceHole | kTraceDependency;
  if (info->reasons & ~kOurs) return false;
  return unprotect(Gpa(frame << kPageShift));
}

void ShadowMmu::forget(Gpa first, uint64_t pages) {
  const uint64_t begin = first.frame();
  const uint64_t end = pages > PageInfos::kMaxFrames - begin ? PageInfos::kMaxFrames : begin + pages;
  if (begin >= PageInfos::kMaxFrames) return;
  bool lost_root = false;
  for (uint64_t frame = infos_.next(begin); frame < end; frame = infos_.next(frame + 1)) {
    listener_.worked(kFrameWork);
    lost_root |= forget_page(frame);
  }
  need_flush_ |= stale_;
  if (lost_root) look_under_hole();
  settle();
}

// True: an active directory was made from it.
bool ShadowMmu::forget_page(uint64_t frame) {
  PageInfo* info = infos_.find(frame);
  const Gpa page(frame << kPageShift);
  bool lost_root = false;
  while (info->mappings) {
    listener_.worked(kDropWork);
    drop_leaf(info->mappings);
  }
  if (info->reasons & kTracePageTable) {
    for (unsigned index = info->shadows; index; index = pool_.at(index).next_same_frame) {
      if (!pool_.at(index).role.has_guest_table() || !pool_.at(index).roots) continue;
      empty_root(index);
      lost_root = true;
    }
    zap_all_of(info, frame, false);
    info->reasons = without(info->reasons, kTracePageTable);
  }
  lose_dependency(info, page);
  info->reasons = without(info->reasons, kTraceHole);
  if (info->reasons & kTraceCode) listener_.code_written(page, kPageSize);
  return lost_root;
}

// An active directory cannot be taken away without memory for another: it stays, as a shadow of nothing. The next
// successful walk replaces it, if the guest's directory has come back.
void ShadowMmu::empty_root(unsigned index) {
  ShadowPage& page = pool_.at(index);
  for (unsigned i = 0; i < kEntries; ++i) {
    if (page.entries[i] && !hole_.covers(page.role.quadrant, i)) drop_link(index * kEntries + i);
  }
  page.role = Role{Kind::kEmptyDirectory, page.role.quadrant, 0, 0};
  page.guest = {};
  page.hole_epoch = 0;
  need_flush_ = true;
}

}  // namespace ring1::shadowmmu
