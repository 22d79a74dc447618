// SPDX-License-Identifier: GPL-2.0-only
// A guest that never ends, for the scheduler: "busy" always computes, "io" serves a short request at each of 100 timer
// interrupts a second and halts in between, "mixed" computes and then waits for the next interrupt, as for a disk.
// With "tell" each piece of work that is done is a dot on the console.
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

void work(uint32_t rounds) {
  for (uint32_t i = 0; i < rounds; ++i) asm volatile("" ::: "memory");
  if (option("tell")) print(".");
}

void start_ticks() {
  pic_init();
  set_handler(kPitVector, on_tick);
  pit_start(kPitHz / kTickHz, 2);
  pic_unmask(0);
}

void wait_until_ticks_pass(uint32_t count) {
  // Interrupts that came meanwhile count as well: no halt while there is work.
  asm volatile("sti; nop; cli" ::: "memory");
  while (ticks <= count) asm volatile("sti; hlt; cli" ::: "memory");
}

[[noreturn]] void serve_each_tick() {
  start_ticks();
  for (uint32_t served = 0;; ++served) {
    work(100'000);
    wait_until_ticks_pass(served);
  }
}

[[noreturn]] void compute_and_wait() {
  start_ticks();
  for (;;) {
    work(2'000'000);
    wait_until_ticks_pass(ticks);
  }
}

}  // namespace

void run_tests() {
  print("READY\n");
  if (option("io")) serve_each_tick();
  if (option("mixed")) compute_and_wait();
  for (;;) work(1'000'000);
}
