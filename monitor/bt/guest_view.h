// SPDX-License-Identifier: GPL-2.0-only
// The guest's linear memory as the guest's kernel reaches it, through the tables that are installed: the monitor shares its
// lower 4 GiB. Far cheaper than a walk of the guest's tables, and as exact, where these tables are up to date.
#pragma once

#include <cstdint>

#include "shadowmmu/shadow_mmu.h"

namespace ring1::monitor {

// guest_access.S
extern "C" bool ring1_guest_load(void* to, uint32_t linear, uint64_t words);
extern "C" bool ring1_guest_store(uint32_t linear, const void* from, uint64_t words);

class GuestView {
 public:
  // What the processor walks, and whether its TLB agrees.
  struct Installed {
    uint32_t generation = ~0u;  // of the MMU when the page directories were installed
    bool flush_wanted = false;  // of the whole TLB, before the next entry
  };

  GuestView(shadowmmu::ShadowMmu& mmu, const Installed& installed) : mmu_(mmu), installed_(installed) {}

  // Where the guest does not see its own memory.
  void set_hole(uint32_t base, uint32_t bytes) { hole_base_ = base, hole_bytes_ = bytes; }

  // Words of 4 bytes, as a supervisor. False: not to be had this way (a fault of the guest's own, a device, a trace, the hole,
  // an address that wraps); some of it may be done.
  [[nodiscard]] bool load(uint64_t linear, void* to, unsigned words) {
    return may_reach(linear) && (ring1_guest_load(to, static_cast<uint32_t>(linear), words) || load_filled(linear, to, words));
  }
  [[nodiscard]] bool store(uint64_t linear, const void* from, unsigned words) {
    return may_reach(linear) && (ring1_guest_store(static_cast<uint32_t>(linear), from, words) || store_filled(linear, from, words));
  }

  bool up_to_date() const { return !installed_.flush_wanted && installed_.generation == mmu_.generation(); }

 private:
  static constexpr unsigned kMostBytes = 32;  // of one access

  // Not far below the hole, in it, or at the end of it all.
  bool may_reach(uint64_t linear) const {
    return linear < 0x100000000 - kMostBytes && linear + kMostBytes - hole_base_ >= hole_bytes_ + kMostBytes && up_to_date();
  }
  bool load_filled(uint64_t linear, void* to, unsigned words);
  bool store_filled(uint64_t linear, const void* from, unsigned words);
  bool fill(bool write);

  shadowmmu::ShadowMmu& mmu_;
  const Installed& installed_;
  uint64_t hole_base_ = 0, hole_bytes_ = 0;
};

}  // namespace ring1::monitor
