// SPDX-License-Identifier: GPL-2.0-only
// Construction, and the four active directories.
#include "shadowmmu/shadow_mmu.h"

namespace ring1::shadowmmu {

namespace {
constexpr unsigned kSlotShift = 30 - kPageShift;  // a slot is 1 GiB
constexpr uint32_t kLeastPages = 16;              // eight directories and a few tables
constexpr bool fits_a_table(unsigned n) { return n && n <= kEntries && !(n & (n - 1)); }

ShadowMmu::Load load_of(GuestWalker::Load load) {
  switch (load) {
    case GuestWalker::Load::kReserved: return ShadowMmu::Load::kGeneralProtection;
    case GuestWalker::Load::kBlocked: return ShadowMmu::Load::kBlocked;
    case GuestWalker::Load::kOk: break;
  }
  return ShadowMmu::Load::kOk;
}
}  // namespace

ShadowMmu::ShadowMmu(PageSource& source, GuestMemory& memory, Tlb& tlb, Listener& listener, const Limits& limits)
    : memory_(memory),
      tlb_(tlb),
      listener_(listener),
      limits_(limits),
      source_(source),
      pool_(source, limits.max_shadow_pages < kLeastPages ? kLeastPages : limits.max_shadow_pages),
      infos_(source),
      reverse_(pool_, infos_),
      walker_(memory) {
  RING1_ASSERT(fits_a_table(limits.prefetch) && fits_a_table(limits.prefetch_large));
}

bool ShadowMmu::init() { return set_mode(PagingMode{}, 0) == Load::kOk; }

void ShadowMmu::release() {
  pool_.release();
  infos_.release();
  for (unsigned& root : roots_) root = 0;
  for (Hpa& directory : directories_) directory = Hpa(0);
  hole_.clear();
  hole_collides_ = false;
}

// Nobody keeps the shadows right while it is off, so none may be left.
void ShadowMmu::set_shadowing(bool on) {
  if (shadowing_ && !on) release();
  shadowing_ = on;
}

ShadowMmu::Load ShadowMmu::set_mode(const PagingMode& mode, uint64_t cr3, Pointers pointers) {
  const GuestWalker before = walker_;
  const Load loaded = load_of(walker_.load(mode, cr3, pointers));
  if (loaded != Load::kOk || !shadowing_) return loaded;
  if (!load_roots()) {
    walker_.restore(before);
    settle();
    return Load::kBlocked;
  }
  need_flush_ = true;
  look_under_hole();
  settle();
  return Load::kOk;
}

ShadowMmu::Load ShadowMmu::check_mode(const PagingMode& mode, uint64_t cr3) const {
  GuestWalker trial = walker_;
  return load_of(trial.load(mode, cr3, Pointers::kLoad));
}

uint8_t ShadowMmu::role_mode() const {
  const PagingMode& mode = walker_.mode();
  if (!mode.paging) return Role::kWp;
  return (mode.pae ? Role::kPae : 0) | (mode.pse ? Role::kPse : 0) | (mode.nxe ? Role::kNxe : 0) |
         (mode.wp ? Role::kWp : 0);
}

// 0: out of memory. A directory that does not lie in RAM is as good as none.
unsigned ShadowMmu::directory_for(unsigned slot) {
  const Role role{Kind::kDirectory, static_cast<uint8_t>(slot), 0, role_mode()};
  const Role empty{Kind::kEmptyDirectory, static_cast<uint8_t>(slot), 0, 0};
  const Role identity{Kind::kIdentityDirectory, static_cast<uint8_t>(slot), 0, Role::kWp};
  if (!walker_.mode().paging) return find_or_create(uint64_t{slot} << kSlotShift, identity);
  Gpa table;
  if (walker_.directory(slot, &table)) {
    const unsigned index = find_or_create(table.frame(), role);
    if (index) return index;
  }
  return find_or_create(slot, empty);
}

// The old directories stay in use until the new ones exist, so that none is recycled in between.
bool ShadowMmu::load_roots() {
  unsigned next[4];
  for (unsigned slot = 0; slot < 4; ++slot) {
    next[slot] = directory_for(slot);
    if (!next[slot]) {
      while (slot-- > 0) --pool_.at(next[slot]).roots;
      return false;
    }
    ++pool_.at(next[slot]).roots;
  }
  bool changed = false;
  for (unsigned slot = 0; slot < 4; ++slot) {
    if (roots_[slot]) --pool_.at(roots_[slot]).roots;
    pool_.touch(next[slot]);
    changed |= roots_[slot] != next[slot];
    roots_[slot] = next[slot];
    directories_[slot] = pool_.at(next[slot]).hpa;
  }
  generation_ += changed;
  return true;
}

// It invalidates all of a large page (SDM 3A 4.10.4.1), which the processor knows as small ones.
void ShadowMmu::invlpg(Gva address) {
  if (stale_large_) return flush_all();
  tlb_.flush_page(wrap(address).page());
}

void ShadowMmu::flush_all() {
  need_flush_ = true;
  settle();
}

void ShadowMmu::settle() {
  if (!need_flush_) return;
  tlb_.flush_all();
  need_flush_ = stale_ = stale_large_ = false;
}

Stats ShadowMmu::stats() const {
  Stats out = stats_;
  out.mmu_shadow_pages = pool_.count();
  return out;
}

}  // namespace ring1::shadowmmu
