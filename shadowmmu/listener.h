// SPDX-License-Identifier: GPL-2.0-only
// Whom the shadow MMU tells what.
#pragma once

#include <cstdint>

#include "base/address.h"

namespace ring1::shadowmmu {

// Invalidation of the processor's TLB for the current world.
class Tlb {
 public:
  virtual void flush_page(Gva page) = 0;
  virtual void flush_all() = 0;

 protected:
  ~Tlb() = default;
};

// Told when translations may have become wrong. Called in the middle of updates: only take notes.
class Listener {
 public:
  virtual void code_written(Gpa where, unsigned size) { (void)where, (void)size; }  // bytes of a page traced for code changed
  virtual void code_mapping_changed(Gpa entry) { (void)entry; }  // a guest page-table entry that a code page depends on changed
  // A page with such entries is no longer watched: everything that depends on one of them is in doubt.
  virtual void code_table_lost(Gpa page) {
    for (uint64_t at = 0; at < kPageSize; at += 4) code_mapping_changed(page + at);
  }
  // About so many instructions have been spent in a loop whose length the guest decides. Whoever runs with interrupts off
  // may let them in; nothing here may change meanwhile.
  virtual void worked(unsigned instructions) { (void)instructions; }

 protected:
  ~Listener() = default;
};

}  // namespace ring1::shadowmmu
