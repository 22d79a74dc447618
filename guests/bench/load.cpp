// SPDX-License-Identifier: GPL-2.0-only
// A guest that never ends, for the scheduler: "busy" always computes, "io" works a little at each of 100 timer
// interrupts a second and halts in between, "mixed" computes for most of the time between two of them.
#include "cpu.h"
#include "devices.h"
#include "print.h"
#include "tables.h"
#include "test.h"

using namespace guest;

namespace {

constexpr uint32_t kTickHz = 100;
volatile uint32_t ticks;

void on_tick(Frame&) {
  ticks = ticks + 1;
  pic_eoi(0);
}

void compute(uint32_t rounds) {
  for (uint32_t i = 0; i < rounds; ++i) asm volatile("" ::: "memory");
}

[[noreturn]] void at_each_tick(uint32_t rounds) {
  pic_init();
  set_handler(kPitVector, on_tick);
  pit_start(kPitHz / kTickHz, 2);
  pic_unmask(0);
  for (uint32_t done = 0;; ++done) {
    compute(rounds);
    // Interrupts that came meanwhile count as well: no halt while there is work.
    asm volatile("sti; nop; cli" ::: "memory");
    while (ticks <= done) asm volatile("sti; hlt; cli" ::: "memory");
  }
}

}  // namespace

void run_tests() {
  print("READY\n");
  if (option("io")) at_each_tick(100'000);
  if (option("mixed")) at_each_tick(2'000'000);
  for (;;) compute(~0u);
}
