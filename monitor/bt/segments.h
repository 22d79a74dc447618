// SPDX-License-Identifier: GPL-2.0-only
// Shadow descriptor tables: the guest's GDT and LDT at the guest's own indices, with DPL 0 raised to 1, so that
// translated and user code load segments natively. The far end of the GDT is the monitor's (switch.h).
#pragma once

#include <cstdint>

#include "base/address.h"
#include "include/ring1/cpu_state.h"
#include "include/ring1/switch.h"
#include "monitor/vcpu/guest_reader.h"
#include "monitor/bt/trap_block.h"
#include "x86/registers.h"

namespace ring1::monitor {

class Segments {
 public:
  Segments(ring1_switch& page, ring1_cpu_state& cpu, GuestReader& reader);

  // GDTR or LDTR changed, or the address space did: read the guest's tables again if they are others. LDTR is the caller's to
  // load, from the switch page.
  void refresh(bool always);

  // Guest memory was written under trace; true if a shadow descriptor changed.
  void written(Gpa where, unsigned size);

  // The selectors to run with; ring is 1 or 3. Fills the block's DS ES FS GS SS CS. False: DS, ES or FS is there
  // under a selector of ours, which code must not see.
  bool load(TrapBlock& block, unsigned ring);

  // The same for a guest that has only just stopped, under selectors of its own: DS, ES and FS stay in the processor.
  void keep(TrapBlock& block, unsigned ring);
  // Is none of these under a selector of ours?
  static bool are_own(const TrapBlock& block);

  // Takes over what the guest has loaded natively since load().
  void sync(const TrapBlock& block, unsigned ring);

  void set_shared_segment(uint32_t base, uint32_t bytes);

  // Another one whenever the guest's tables changed, or were found to be others.
  uint64_t generation() const { return generation_; }

  // Is this selector's a 32-bit stack? User code may have loaded another SS since load().
  bool is_wide_stack(uint16_t selector) { return selector == wide_stack_ || look_at_stack(selector); }

 private:
  struct Table {
    uint64_t* shadow;
    uint64_t base = 0;
    uint32_t bytes = 0;       // of the guest's table, 0: none
    uint32_t shadowed = 0;    // entries that may be non-zero in the shadow
    uint64_t pages[17] = {};  // physical pages of the guest's table, ~0: unknown
    unsigned page_count = 0;
    uint32_t limit_entries;  // never shadow at or beyond
  };

  void fill(Table& table, uint64_t base, uint32_t bytes);
  bool moved(const Table& table, uint64_t base, uint32_t bytes);
  void written(Table& table, Gpa where, unsigned size);
  uint64_t* entry(uint16_t selector);
  uint16_t selector_for(SegmentRegister which, unsigned ring);
  uint16_t choose(SegmentRegister which, unsigned ring);
  void adopt(SegmentRegister which, uint16_t selector);
  bool look_at_stack(uint16_t selector);
  bool unchanged(const TrapBlock& block, unsigned ring) const;

  ring1_switch& page_;
  ring1_cpu_state& cpu_;
  GuestReader& reader_;
  Table gdt_, ldt_;
  // A selector of the guest's own, and what it was found for.
  struct Choice {
    ring1_segment segment{};
    uint64_t generation = ~uint64_t{0};
    uint16_t selector = 0;
  };
  Choice chosen_[kSegmentCount][2];      // for ring 1, for ring 3
  uint16_t loaded_[kSegmentCount] = {};  // what the processor's registers held at load()
  uint16_t wide_stack_ = 0;              // an SS that is known to be 32-bit
  uint64_t generation_ = 0, synced_generation_ = 0;
};

}  // namespace ring1::monitor
