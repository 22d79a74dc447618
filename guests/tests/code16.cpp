// SPDX-License-Identifier: GPL-2.0-only
// 16-bit code and stack segments in protected mode.
#include "cpu.h"
#include "devices.h"
#include "tables.h"
#include "test.h"

using namespace guest;

extern "C" uint8_t code16[], code16_arithmetic[], code16_faults[], code16_loop[], code16_stack[];

namespace {

uint32_t call16(const uint8_t* function, uint32_t edx = 0) {
  struct __attribute__((packed)) {
    uint32_t offset;
    uint16_t selector;
  } pointer = {static_cast<uint32_t>(function - code16), spare(0)};
  uint32_t eax;
  asm volatile("pushl %%ebp; lcall *(%2); popl %%ebp"
               : "=a"(eax), "+d"(edx)
               : "b"(&pointer)
               : "ecx", "esi", "edi", "memory", "cc");
  return eax;
}

volatile uint32_t fault_eip, fault_cs, interrupts, ticks, ticks_in_16;

}  // namespace

void run_tests() {
  set_descriptor(spare(0), reinterpret_cast<uint32_t>(code16), 0xffff, kTypeCode, 0);
  set_descriptor(spare(1), 0, 0xffff, kTypeData, 0);
  expect_equal("arithmetic, calls, stack words", call16(code16_arithmetic), 0x1000e);
  set_handler(kUd, [](Frame& f) {
    fault_eip = f.eip;
    fault_cs = f.cs;
    f.eip += 2;
  });
  set_handler(0x60, [](Frame&) { interrupts = interrupts + 1; });
  expect_equal("an exception and an interrupt", call16(code16_faults), 3);
  expect_equal("  its EIP counts from the segment", fault_eip, static_cast<uint32_t>(code16_faults - code16) + 3);
  expect_equal("  its CS", fault_cs, spare(0));
  expect_equal("  the interrupt", interrupts, 1);
  expect_equal("a 16-bit stack", call16(code16_stack, spare(1)), 0x56789abc);
  expect_equal("  with an interrupt on it", interrupts, 2);
  set_handler(kPitVector, [](Frame& f) {
    ticks = ticks + 1;
    if (f.cs == spare(0)) ticks_in_16 = ticks_in_16 + 1;
    pic_eoi(0);
  });
  pit_start(kPitHz / 2000, 2);
  pic_unmask(0);
  sti();
  uint32_t wrong = 0;
  for (unsigned i = 0; i < 1000 && ticks_in_16 < 5; ++i) wrong += call16(code16_loop) != 200000;
  cli();
  pic_mask_all();
  expect_equal("a loop", wrong, 0);
  check(ticks_in_16 >= 5, "timer interrupts in the middle of it");
}
