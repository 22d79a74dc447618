// SPDX-License-Identifier: GPL-2.0-only
// A triple fault resets the machine.
#include "cpu.h"
#include "test.h"

void run_tests() {
  guest::lidt({0, 0});
  asm volatile("int3");
  guest::check(false, "the processor goes on without an IDT");
}
