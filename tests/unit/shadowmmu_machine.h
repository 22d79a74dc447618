// SPDX-License-Identifier: GPL-2.0-only
// A small machine around the shadow MMU: guest memory in an array, a processor that walks the shadow tables with a
// TLB of its own, and an independent walker of the guest's tables to compare with.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "shadowmmu/shadow_mmu.h"

namespace ring1::shadowmmu {

inline constexpr uint64_t kP = 1, kW = 2, kU = 4, kA = 0x20, kD = 0x40, kPs = 0x80, kG = 0x100;
inline constexpr uint64_t kNx = uint64_t{1} << 63;
inline constexpr uint64_t kAll = kP | kW | kU;
inline constexpr uint32_t kFp = page_fault::kPresent, kFw = page_fault::kWrite, kFu = page_fault::kUser,
                          kFr = page_fault::kReserved, kFi = page_fault::kFetch;

struct Expected {
  bool ok = false;
  uint32_t error = 0;
  uint64_t gpa = 0;
};

struct Outcome {
  FaultKind kind;  // kHidden: the access succeeded
  uint32_t error = 0;
  uint64_t gpa = 0;
};

class Machine : public PageSource, public GuestMemory, public Tlb, public Listener {
 public:
  static constexpr uint64_t kGuestHpa = uint64_t{1} << 32;
  static constexpr Access kRead{}, kWrite{true, false, false}, kUserRead{false, true, false},
      kUserWrite{true, true, false}, kFetch{false, false, true};

  explicit Machine(unsigned pages = 1024, const Limits& limits = {})
      : ram_(pages * kPageSize), mmu(*this, *this, *this, *this, limits) {
    EXPECT_TRUE(mmu.init());
  }
  ~Machine() {
    mmu.release();
    EXPECT_TRUE(own_.empty()) << "pages leaked";
  }

  // PageSource
  bool allocate(Page* page) override {
    if (own_.size() >= page_limit) return false;
    void* va = std::aligned_alloc(kPageSize, kPageSize);
    std::memset(va, 0, kPageSize);
    *page = {Hpa(next_hpa_), va};
    own_[next_hpa_] = static_cast<uint64_t*>(va);
    next_hpa_ += kPageSize;
    return true;
  }
  void release(Page page) override {
    EXPECT_EQ(own_.at(page.hpa.raw()), page.va);
    own_.erase(page.hpa.raw());
    std::free(page.va);
  }
  // GuestMemory
  Backing page(Gpa page, Hpa* hpa, GuestPointer* va) override {
    if (withdraw_at && !--withdraw_at) {  // all memory is elsewhere from now on
      ++generation_;
      moved += uint64_t{1} << 36;
      withdrawn_ = true;
    }
    if (blocked.count(page.frame())) return Backing::kBlocked;
    if (page.raw() >= ram_.size() || removed.count(page.frame())) return Backing::kDevice;
    *hpa = Hpa(kGuestHpa + page.raw() + moved);
    *va = {&ram_[page.raw()], generation()};
    if (clean.count(page.frame())) return Backing::kClean;
    return read_only.count(page.frame()) ? Backing::kReadOnly : Backing::kRam;
  }
  Backing page_for_write(Gpa where, Hpa* hpa, GuestPointer* va) override {
    if (clean.erase(where.frame())) written.insert(where.frame());
    return page(where, hpa, va);
  }
  Backing known(Gpa where, Hpa* hpa, GuestPointer* va) override { return prefetch ? page(where, hpa, va) : Backing::kBlocked; }
  // Tlb
  void flush_page(Gva page) override { tlb_.erase(page.raw()); }
  void flush_all() override { tlb_.clear(), ++full_flushes; }
  // Listener
  void code_written(Gpa where, unsigned) override { code_writes.push_back(where.raw()); }
  void code_mapping_changed(Gpa entry) override { mapping_changes.insert(entry.raw()); }

  // Guest physical memory as the guest sees it, without traces.
  template <class T>
  T& ram(uint64_t gpa) {
    return *reinterpret_cast<T*>(&ram_[gpa]);
  }
  // A guest's store by any mapping: traced if the page is.
  template <class T>
  void store(uint64_t gpa, T value) {
    std::memcpy(&ram_[gpa], &value, sizeof(T));
    mmu.guest_wrote(Gpa(gpa), sizeof(T));
  }

  // Before the guest goes on.
  void give_up() {
    if (withdrawn_) mmu.forget(Gpa(0), ram_.size() / kPageSize);
    withdrawn_ = false;
  }

  // One access of guest code: the processor, and the monitor's handler as often as it takes.
  Outcome access(uint64_t gva, Access access) {
    for (int tries = 0; tries < 8; ++tries) {
      uint64_t hpa;
      give_up();
      if (processor(gva, access, &hpa)) return {FaultKind::kHidden, 0, hpa - kGuestHpa - moved};
      const uint32_t error = (access.write ? kFw : 0) | (access.user ? kFu : 0) | (access.fetch ? kFi : 0);
      ++faults;
      const FaultResult result = mmu.fault(Gva(gva), error);
      if (result.kind == FaultKind::kGuest) {
        EXPECT_EQ(result.fault.cr2, gva);
        EXPECT_EQ(result.fault.vector, Vector::kPf);
        return {result.kind, result.fault.error_code};
      }
      if (result.kind != FaultKind::kHidden) return {result.kind, 0, result.gpa.raw()};
    }
    ADD_FAILURE() << "no progress at " << std::hex << gva;
    return {FaultKind::kBlocked};
  }

  // The guest's tables read the slow way, straight from the manual.
  Expected walk(uint64_t gva, Access access) {
    if (!mode.paging) return {true, 0, gva};
    const uint32_t base =
        (access.write ? kFw : 0) | (access.user ? kFu : 0) | (access.fetch && mode.pae && mode.nxe ? kFi : 0);
    uint64_t w = kW, u = kU, nx = 0, table = cr3 & ~0xfffull;
    if (mode.pae) {
      const uint64_t pointer = pointers[gva >> 30];
      if (!(pointer & kP)) return {false, base};
      table = pointer & 0x000f'ffff'ffff'f000;
    }
    for (int level = 2; level >= 1; --level) {
      const unsigned bits = mode.pae ? 9 : 10, size = mode.pae ? 8 : 4, shift = 12 + (level - 1) * bits;
      const uint64_t where = table + ((gva >> shift) & ((1u << bits) - 1)) * size;
      const uint64_t value = where >= ram_.size() || removed.count(where >> 12) ? 0
                             : mode.pae                                         ? ram<uint64_t>(where)
                                                                                : ram<uint32_t>(where);
      if (!(value & kP)) return {false, base};
      const bool large = level == 2 && (value & kPs) && (mode.pae || mode.pse);
      uint64_t bad = 0;
      if (mode.pae) {
        bad = value & 0x7ff0'0000'0000'0000;
        bad |= value & 0x000f'fff0'0000'0000;  // 36 physical bits
        if (!mode.nxe) bad |= value & kNx;
        if (large) bad |= value & 0x1fe000;
      } else if (large) {
        bad = value & 0x3e0000;
      }
      if (bad) return {false, base | kFp | kFr};
      w &= value, u &= value, nx |= value & kNx;
      table = mode.pae ? value & 0x000f'ffff'ffff'f000 : value & 0xffff'f000;
      if (large || level == 1) {
        uint64_t frame = table;
        if (large && mode.pae) frame = value & 0x000f'ffff'ffe0'0000;
        if (large && !mode.pae) frame = (value & 0xffc0'0000) | (value >> 13 & 0xff) << 32;
        if (access.user && !u) return {false, base | kFp};
        if (access.write && !w && (access.user || mode.wp)) return {false, base | kFp};
        if (access.fetch && nx) return {false, base | kFp};
        return {true, 0, frame | (gva & ((uint64_t{1} << shift) - 1))};
      }
    }
    return {};
  }

  void load(const PagingMode& new_mode, uint64_t new_cr3) {
    mode = new_mode;
    cr3 = new_cr3;
    for (int i = 0; i < 4 && mode.paging && mode.pae; ++i) pointers[i] = ram<uint64_t>((cr3 & ~31ull) + 8 * i);
    EXPECT_EQ(mmu.set_mode(mode, cr3), ShadowMmu::Load::kOk);
  }

  // What must hold at any time, also when the guest has not flushed what it should have.
  void check() {
    const char* error = mmu.check();
    EXPECT_EQ(error, nullptr) << error;
    for (const auto& [gva, leaf] : tlb_) {
      const uint64_t hpa = leaf & entry::kFrame;
      if (hpa < kGuestHpa || hpa >= kGuestHpa + moved + ram_.size()) continue;
      if (leaf & kW) { EXPECT_EQ(mmu.reasons(Gpa(hpa - kGuestHpa - moved)), 0) << std::hex << gva; }
    }
  }
  bool mapped(uint64_t gva) {
    uint64_t leaf;
    return shadow_leaf(gva, &leaf, false);
  }
  bool writable(uint64_t gva) {
    uint64_t leaf;
    return shadow_leaf(gva, &leaf, false) && (leaf & kW);
  }
  uint64_t* own(uint64_t hpa) { return own_.at(hpa); }

 private:
  bool withdrawn_ = false;
  std::vector<uint8_t> ram_;
  std::map<uint64_t, uint64_t*> own_;
  std::map<uint64_t, uint64_t> tlb_;
  uint64_t next_hpa_ = uint64_t{1} << 40;

 public:
  ShadowMmu mmu;
  PagingMode mode;
  uint64_t cr3 = 0, pointers[4] = {}, moved = 0;
  size_t page_limit = 100000;
  bool prefetch = false;
  unsigned faults = 0, full_flushes = 0;
  unsigned withdraw_at = 0;  // count of looks at memory until all of it is withdrawn
  std::set<uint64_t> removed, read_only, blocked, clean, written, mapping_changes;
  std::vector<uint64_t> code_writes;

 private:
  bool shadow_leaf(uint64_t gva, uint64_t* leaf, bool mark) {
    uint64_t& directory = own_.at(mmu.page_directories()[gva >> 30].raw())[gva >> 21 & 511];
    if (!(directory & kP)) return false;
    uint64_t& entry = own_.at(directory & entry::kFrame)[gva >> 12 & 511];
    if (!(entry & kP)) return false;
    if (mark) directory |= kA, entry |= kA;
    *leaf = entry & (directory | ~(kW | kU));
    return true;
  }
  // CR0.WP = 1, EFER.NXE = 1, rings 0 to 2 are supervisors.
  static bool allowed(uint64_t leaf, Access access) {
    return !(access.user && !(leaf & kU)) && !(access.write && !(leaf & kW)) && !(access.fetch && (leaf & kNx));
  }
  bool processor(uint64_t gva, Access access, uint64_t* hpa) {
    const uint64_t page = gva & kPageMask;
    auto hit = tlb_.find(page);
    if (hit == tlb_.end() || !allowed(hit->second, access)) {
      tlb_.erase(page);
      uint64_t leaf;
      if (!shadow_leaf(gva, &leaf, true) || !allowed(leaf, access)) return false;
      hit = tlb_.emplace(page, leaf).first;
    }
    *hpa = (hit->second & entry::kFrame) | (gva & 0xfff);
    return true;
  }
};

}  // namespace ring1::shadowmmu
