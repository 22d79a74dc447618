// SPDX-License-Identifier: GPL-2.0-only
// EFLAGS as kernel code sees them, and when an interrupt may come.
#include <initializer_list>

#include "cpu.h"
#include "devices.h"
#include "tables.h"
#include "test.h"

using namespace guest;

namespace {

volatile uint32_t interrupts, interrupted_eip;

void on_timer(Frame& frame) {
  interrupts = interrupts + 1;
  interrupted_eip = frame.eip;
  pic_eoi(0);
}

// One interrupt request that waits for IF.
void request_one() {
  interrupts = 0;
  pit_start(200, 0);  // once, 168 us from now
  while (!(pic_requests() & 1)) pause();
}

void visibility() {
  cli();
  check(!(read_flags() & kFlagIf), "CLI clears IF");
  sti();
  check(read_flags() & kFlagIf, "STI sets IF");
  write_flags(kFlagFixed);
  check(!(read_flags() & kFlagIf), "POPF clears IF");
  write_flags(kFlagFixed | kFlagIf);
  check(read_flags() & kFlagIf, "POPF sets IF");
  uint16_t narrow;
  asm volatile("pushw $2; popfw; pushfw; popw %0" : "=r"(narrow) : : "cc", "memory");
  check(!(narrow & kFlagIf), "16-bit POPF clears IF and 16-bit PUSHF tells it");
  asm volatile("pushl $0x202; pushl %%cs; pushl $1f; iret; 1:" ::: "cc", "memory");
  check(read_flags() & kFlagIf, "IRET sets IF");
  asm volatile("pushl $2; pushl %%cs; pushl $1f; iret; 1:" ::: "cc", "memory");
  check(!(read_flags() & kFlagIf), "IRET clears IF");
  for (uint32_t bit : {kFlagId, kFlagAc, kFlagNt, kFlagIopl, 0x1000u, kFlagDf}) {
    write_flags(kFlagFixed | bit);
    const uint32_t seen = read_flags();
    write_flags(kFlagFixed);
    check((seen & bit) == bit, "flag 0x%x can be set", bit);
    check(!(read_flags() & bit), "flag 0x%x can be cleared", bit);
  }
  uint32_t seen;
  asm volatile("pushl %1; popfl; pushfl; popl %0" : "=r"(seen) : "r"(kFlagVm | kFlagRf | 0x8028u) : "cc", "memory");
  expect_equal("VM, RF and the fixed bits do not change", seen & (kFlagVm | kFlagRf | 0x802au), 2);
}

// The arithmetic flags must survive whatever stands in for sensitive instructions.
void arithmetic_survives() {
  constexpr uint32_t kArithmetic = kFlagCf | kFlagPf | kFlagAf | kFlagZf | kFlagSf | kFlagOf;
  for (uint32_t bits : {0u, kArithmetic, kFlagCf, kFlagZf | kFlagPf, kFlagOf | kFlagSf, kFlagAf}) {
    uint32_t a, b, c, d;
    asm volatile(
        "pushl %4; popfl; sti; pushfl; popl %0; cli; pushfl; popl %1; pushfl; popfl; pushfl; popl %2;"
        "movw %%ds, %%ax; movw %%ax, %%ds; pushfl; popl %3"
        : "=&r"(a), "=&r"(b), "=&r"(c), "=&r"(d)
        : "r"(bits | kFlagFixed)
        : "eax", "cc", "memory");
    check((a & kArithmetic) == bits, "STI keeps flags 0x%x", bits);
    check((b & kArithmetic) == bits, "CLI keeps flags 0x%x", bits);
    check((c & kArithmetic) == bits, "PUSHF and POPF keep flags 0x%x", bits);
    check((d & kArithmetic) == bits, "a segment load keeps flags 0x%x", bits);
  }
}

// CPUs of every kind must not let an interrupt in between STI and the instruction behind it.
void sti_shadow() {
  request_one();
  asm volatile("sti; cli" ::: "memory");
  check(interrupts == 0, "no interrupt between STI and the next instruction");
  uint32_t after;
  asm volatile("sti; nop; 1: cli; movl $1b, %0" : "=r"(after) : : "memory");
  check(interrupts == 1, "but after that");
  expect_equal("the handler's frame points behind the shadow", interrupted_eip, after);
  request_one();
  asm volatile("pushl $0x202; popfl; 1: nop; cli; movl $1b, %0" : "=r"(after) : : "memory", "cc");
  check(interrupts == 1, "POPF lets it in");
  expect_equal("  at once", interrupted_eip, after);
  request_one();
  asm volatile("pushl $0x202; pushl %%cs; pushl $1f; iret; 1: nop; cli; movl $1b, %0" : "=r"(after) : : "memory", "cc");
  check(interrupts == 1, "IRET lets it in");
  expect_equal("  at once", interrupted_eip, after);
}

void halting() {
  interrupts = 0;
  pit_start(5000, 0);
  uint32_t after;
  asm volatile("sti; hlt; 1: cli; movl $1b, %0" : "=r"(after) : : "memory");
  check(interrupts == 1, "STI, HLT wakes");
  expect_equal("  behind the HLT", interrupted_eip, after);
  // The request is there already: the wake-up must not be lost.
  for (unsigned i = 0; i < 50; ++i) {
    request_one();
    asm volatile("sti; hlt; cli" ::: "memory");
  }
  check(interrupts == 1, "a request before STI, HLT is not lost");
}

}  // namespace

void run_tests() {
  set_handler(kPitVector, on_timer);
  visibility();
  arithmetic_survives();
  pic_unmask(0);
  sti_shadow();
  halting();
}
