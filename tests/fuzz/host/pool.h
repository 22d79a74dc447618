// SPDX-License-Identifier: GPL-2.0-only
// What the threads of one generation share and pull out from under each other: descriptors, guest memory, kvm_run pages.
#pragma once

#include <linux/kvm.h>
#include <setjmp.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/random.h"

namespace ring1::fuzz {

struct Pool {
  static constexpr unsigned kMachines = 3, kTasks = 8;
  static constexpr size_t kArena = 16 << 20, kRunArea = 2 * 4096, kStack = 16384;

  explicit Pool(unsigned long machine_type);

  unsigned long machine_type;
  int device;
  std::atomic<int> vm[kMachines], vcpu[kMachines];
  std::atomic<int> tasks[kTasks];  // thread ids, for signals; 0: none
  uint8_t* arena;                  // guest memory, below 4 GiB
  uint8_t* run_areas;              // kRunArea for each vCPU
  // A far pointer to 32-bit code: int 0x80, then back to 64 bits at R13.
  struct [[gnu::packed]] { uint32_t offset; uint16_t selector; } stub32;
  uint8_t* stacks32;  // kStack for each actor
  uint8_t* stack32(unsigned actor) const { return stacks32 + (actor + 1) * kStack; }
  kvm_run* run_area(unsigned i) const { return reinterpret_cast<kvm_run*>(run_areas + i * kRunArea); }
};

extern Pool* pool;

// Room for an ioctl's argument, of one worker: it ends where nothing is mapped.
class Room {
 public:
  Room();
  static constexpr size_t kSize = 2 * 4096;
  uint8_t* end() const { return base_ + kSize; }

 private:
  uint8_t* base_;
};

// Memory may be gone at any time: false, then.
extern thread_local sigjmp_buf escape;
extern thread_local volatile bool guarded;
template <class Action>
bool touched(Action action) {
  if (sigsetjmp(escape, 0)) return false;
  guarded = true;
  action();
  guarded = false;
  return true;
}
void install_handlers();

}  // namespace ring1::fuzz
