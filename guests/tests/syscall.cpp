// SPDX-License-Identifier: GPL-2.0-only
// The ways from ring 3 to the kernel and back: INT 0x80, SYSENTER and SYSEXIT.
#include "cpu.h"
#include "tables.h"
#include "test.h"
#include "user.h"

using namespace guest;

namespace {

constexpr unsigned kRounds = 2000;
volatile uint32_t calls, cs_seen, wrong;

void on_call(Frame& frame) {
  calls = calls + 1;
  cs_seen = frame.cs;
  if (frame.ss != kData3 || frame.ebx != calls) wrong = wrong + 1;
  frame.eax = frame.ebx * 3;
}

uint32_t user_sum;
void user_calls() {
  for (uint32_t i = 1; i <= kRounds; ++i) {
    uint32_t eax = 4;
    asm volatile("int $0x80" : "+a"(eax) : "b"(i), "c"(0x11), "d"(0x22), "S"(0x33), "D"(0x44) : "memory");
    user_sum += eax == i * 3;
  }
}

extern "C" uint32_t sysenter_stack[256];
uint32_t sysenter_stack[256];
extern "C" volatile uint32_t sysenter_count, sysenter_flags;
volatile uint32_t sysenter_count, sysenter_flags;
extern "C" void sysenter_entry();
// Like Linux' fast path: EBP is the user's stack, the return address is fixed.
asm(".text; sysenter_entry:"
    "  pushfl; popl %ss:sysenter_flags; incl %ss:sysenter_count; addl $7, %eax;"
    "  movl %ebp, %ecx; movl $sysenter_back, %edx; sti; sysexit");

uint32_t fast_sum;
void user_sysenter() {
  for (uint32_t i = 0; i < kRounds; ++i) {
    uint32_t eax = i;
    asm volatile("pushl %%ebp; movl %%esp, %%ebp; sysenter; .globl sysenter_back; sysenter_back: popl %%ebp"
                 : "+a"(eax)
                 :
                 : "ecx", "edx", "memory", "cc");
    fast_sum += eax == i + 7;
  }
}

}  // namespace

void run_tests() {
  set_gate_type(0x80, kTypeTrapGate | kDpl3);
  set_handler(0x80, on_call);
  run_user(user_calls, kFlagFixed | kFlagIf);
  expect_equal("INT 0x80 calls", calls, kRounds);
  expect_equal("  with their results", user_sum, kRounds);
  expect_equal("  and their registers", wrong, 0);
  expect_equal("  from ring 3", cs_seen, kCode3);

  if (!has_edx(kCpuidSep)) return skip("SYSENTER", "this processor has none");
  wrmsr(kMsrSysenterCs, kCode0);
  wrmsr(kMsrSysenterEsp, reinterpret_cast<uint32_t>(sysenter_stack + 256));
  wrmsr(kMsrSysenterEip, reinterpret_cast<uint32_t>(sysenter_entry));
  run_user(user_sysenter, kFlagFixed | kFlagIf);
  expect_equal("SYSENTER calls", sysenter_count, kRounds);
  expect_equal("  with their results", fast_sum, kRounds);
  check(!(sysenter_flags & kFlagIf), "SYSENTER clears IF");
  wrmsr(kMsrSysenterCs, 0);
  static Caught c;
  run_user([] { c = ATTEMPT("sysenter", :); });
  expect_fault("SYSENTER with CS 0", c, kGp, 0);
}
