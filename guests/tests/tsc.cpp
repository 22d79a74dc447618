// SPDX-License-Identifier: GPL-2.0-only
// The time-stamp counter is one clock in kernel and user code, and never goes back.
#include "cpu.h"
#include "devices.h"
#include "tables.h"
#include "test.h"
#include "user.h"

using namespace guest;

namespace {

constexpr unsigned kReads = 20000;
volatile uint64_t last;
volatile uint32_t steps_back, user_reads;
volatile bool look_in_handler = true;  // only where it does not interrupt another look

void look() {
  const uint64_t now = rdtsc();
  if (now < last) steps_back = steps_back + 1;
  last = now;
}

void user_loop() {
  for (unsigned i = 0; i < kReads; ++i) look();
  user_reads = user_reads + kReads;
}

void alternating() {
  for (unsigned i = 0; i < 200; ++i) {
    look();
    asm volatile("int $0x80");
  }
}

}  // namespace

void run_tests() {
  if (!(cpuid(1).edx >> 4 & 1)) return skip("TSC", "this processor has none");
  last = rdtsc();
  for (unsigned i = 0; i < kReads; ++i) look();
  expect_equal("kernel: no step back", steps_back, 0);
  run_user(user_loop, kFlagFixed | kFlagIf);
  expect_equal("user: no step back", steps_back, 0);
  expect_equal("  all reads were made", user_reads, kReads);
  set_gate_type(0x80, kTypeTrapGate | kDpl3);
  set_handler(0x80, [](Frame&) { look(); });
  run_user(alternating);
  expect_equal("kernel and user in turn: no step back", steps_back, 0);
  set_handler(kPitVector, [](Frame&) {
    if (look_in_handler) look();
    pic_eoi(0);
  });
  pit_start(kPitHz / 1000, 2);
  pic_unmask(0);
  for (unsigned i = 0; i < 20; ++i) {
    look();
    asm volatile("sti; hlt; cli" ::: "memory");
    look();
  }
  expect_equal("across HLT: no step back", steps_back, 0);
  look_in_handler = false;
  run_user(user_loop, kFlagFixed | kFlagIf);
  pic_mask_all();
  expect_equal("user with interrupts: no step back", steps_back, 0);
  wrmsr(0x10, 0);
  const uint64_t small = rdtsc();
  check(small < 1ull << 40, "a write of the MSR moves it");
  run_user([] { last = rdtsc(); });
  check(last >= small && last - small < 1ull << 40, "for user code as well");
}
