// SPDX-License-Identifier: GPL-2.0-only
// What the translation cache needs of the program around it. The monitor implements it over its own page
// tables; tests implement it over arrays.
#pragma once

#include <cstdint>

#include "base/address.h"

namespace ring1::tcache {

// Memory for the cache's own records, apart from the code: QEMU's TCG drops its translations of a page that
// is written, so records and code must never share one.
class Allocator {
 public:
  virtual void* allocate_page() = 0;  // 4 KiB, aligned, zeroed; nullptr: out of memory
  virtual void release_page(void* page) = 0;

 protected:
  ~Allocator() = default;
};

class Environment {
 public:
  // Page `index` of the cache, mapped executable at exec_base + 4096 * index, and its writable alias. Asked for
  // when the page is first needed, once. false: no memory; the cache lives with the pages it has.
  virtual bool code_page(unsigned index, void** writable) = 0;
  // Page `index` (0..63) of the return table behind GS. All are asked for by init().
  virtual bool return_table_page(unsigned index, void** writable) = 0;
  // The Accessed bit of code page `index` (only of pages that were supplied), cleared. After a series of these
  // accessed_sampled() is called once, so that the TLB is flushed once.
  virtual bool test_and_clear_accessed(unsigned index) = 0;
  virtual void accessed_sampled() {}

  // A guest page has got its first fragment, or has lost its last: set, drop its write trace. The cache must not
  // be entered from here.
  virtual void code_page_gained(Gpa page) = 0;
  virtual void code_page_lost(Gpa page) = 0;
  // About so many instructions have been spent in a loop whose length the guest decides. Whoever runs with interrupts off
  // may let them in; the cache must not be entered.
  virtual void worked(unsigned instructions) { (void)instructions; }

 protected:
  ~Environment() = default;
};

// Along a chain whose length the guest decides, by where it puts code and page tables: tells of itself now and then.
class Steps {
 public:
  explicit Steps(Environment& environment) : environment_(environment) {}
  void operator()() {
    if (++count_ % kSteps == 0) [[unlikely]]
      environment_.worked(kStepWork * kSteps);
  }

 private:
  static constexpr unsigned kSteps = 512, kStepWork = 6;
  Environment& environment_;
  unsigned count_ = 0;
};

struct Region {
  uint32_t size = 0;       // bytes, a multiple of 4096, at most 256 MiB
  uint32_t exec_base = 0;  // guest linear address of offset 0
  bool chaining = true;    // link exits of a new fragment at once where their targets are there already
};

}  // namespace ring1::tcache
