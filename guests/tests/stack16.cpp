// SPDX-License-Identifier: GPL-2.0-only
// 16-bit stack segments at ring 3: what becomes of ESP's upper half on the way in and out (SDM 2A IRET, 3A 6.12.1).
#include "cpu.h"
#include "tables.h"
#include "test.h"
#include "user.h"

using namespace guest;

namespace {

constexpr unsigned kCallVector = 0x82;
constexpr uint32_t kUpper = 0xffff0000;
constexpr uint32_t kSeenAt = 0x100;  // where narrow_code() leaves its ESP in the stack
constexpr uint16_t kNarrow = spare(0) | 3, kNarrowCode = spare(1) | 3;
alignas(16) uint8_t stack[0x10000];

extern "C" {
volatile uint32_t entry_esp, entry_ss, kernel_half, after_esp, popped, still_esp;
}

void on_call(Frame& f) {
  entry_esp = f.esp;
  entry_ss = f.ss;
  kernel_half = reinterpret_cast<uint32_t>(&f) & kUpper;
}

// Loads SS by itself, calls the kernel, and looks at ESP right after and after a while.
void on_own_stack() {
  asm volatile(
      "movl %%esp, %%esi; movl %%ss, %%edi\n\t"
      "movl %0, %%ss; movl $0x1234f000, %%esp\n\t"
      "pushl $77\n\t"
      "int %1\n\t"
      "movl %%esp, after_esp\n\t"
      "movw $0x5678, %%ax; shll $16, %%eax; movw %%sp, %%ax; movl %%eax, %%esp\n\t"
      "movl $3000000, %%ecx; 1: decl %%ecx; jnz 1b\n\t"
      "movl %%esp, still_esp\n\t"
      "popl %%eax; movl %%eax, popped\n\t"
      "movl %%edi, %%ss; movl %%esi, %%esp"
      :
      : "r"(uint32_t{kNarrow}), "i"(kCallVector)
      : "eax", "ecx", "esi", "edi", "memory", "cc");
}

// A stack wider than its SP: the processor wraps at 64 KiB, whatever the upper half is.
void wraps() {
  asm volatile(
      "movl %%esp, %%esi; movl %%ss, %%edi\n\t"
      "movl %0, %%ss; movl $0x43210000, %%esp\n\t"
      "pushl $78\n\t"
      "int %1\n\t"
      "movl %%esp, after_esp\n\t"
      "popl %%eax; movl %%eax, popped\n\t"
      "movl %%esp, still_esp\n\t"
      "movl %%edi, %%ss; movl %%esi, %%esp"
      :
      : "r"(uint32_t{kNarrow}), "i"(kCallVector)
      : "eax", "esi", "edi", "memory", "cc");
}

// 16-bit code on the 16-bit stack.
extern "C" void narrow_code();
asm(".text; .code16; narrow_code: movl %esp, %ss:0x100; int $0x82; pushw $0x99; popw %ax; lretl; .code32");

void calls_narrow_code() {
  asm volatile(
      "movl %%esp, %%esi; movl %%ss, %%edi\n\t"
      "movl %0, %%ss; movl $0x7654e000, %%esp\n\t"
      "lcall %2, $0\n\t"
      "movl %%esp, after_esp\n\t"
      "movl %%edi, %%ss; movl %%esi, %%esp"
      :
      : "r"(uint32_t{kNarrow}), "i"(kCallVector), "i"(kNarrowCode)
      : "eax", "esi", "edi", "memory", "cc");
}

}  // namespace

void run_tests() {
  set_descriptor(kNarrow, reinterpret_cast<uint32_t>(stack), 0xffff, kTypeData | kDpl3, 0);
  set_descriptor(kNarrowCode, reinterpret_cast<uint32_t>(narrow_code), 0xffff, kTypeCode | kDpl3, 0);
  set_gate_type(kCallVector, kTypeInterruptGate | kDpl3);
  set_handler(kCallVector, on_call);

  run_user(on_own_stack);
  expect_equal("INT pushes all of ESP", entry_esp, 0x1234effc);
  expect_equal("  and the stack's selector", entry_ss & 0xffff, kNarrow);
  expect_equal("IRET leaves the kernel's upper half", after_esp, kernel_half | 0xeffc);
  expect_equal("interrupts of the host leave ESP alone", still_esp, 0x5678effc);
  expect_equal("the word on the stack", popped, 77);

  run_user(wraps);
  expect_equal("a push at SP 0 wraps", entry_esp, 0x4321fffc);
  expect_equal("  IRET again", after_esp, kernel_half | 0xfffc);
  expect_equal("  the word", popped, 78);
  expect_equal("  SP wraps back", still_esp, kernel_half);

  run_user(calls_narrow_code);
  expect_equal("16-bit code sees all of ESP", *reinterpret_cast<volatile uint32_t*>(stack + kSeenAt), 0x7654dff8);
  expect_equal("  INT from there", entry_esp, 0x7654dff8);
  expect_equal("  and behind its return", after_esp, kernel_half | 0xe000);
}
