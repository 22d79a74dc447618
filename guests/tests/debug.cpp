// SPDX-License-Identifier: GPL-2.0-only
// Single steps, breakpoints on code and data.
#include "cpu.h"
#include "tables.h"
#include "test.h"
#include "user.h"

using namespace guest;

namespace {

constexpr uint32_t kBs = 1u << 14, kBd = 1u << 13;
constexpr unsigned kMax = 16;
volatile uint32_t hits, eips[kMax], dr6, stop_at;

void on_debug(Frame& f) {
  if (hits < kMax) eips[hits] = f.eip;
  hits = hits + 1;
  dr6 = read_dr6();
  write_dr6(0);
  if (!(dr6 & kBs)) f.eflags |= kFlagRf;
  if (stop_at && hits >= stop_at) f.eflags &= ~kFlagTf;
}

void single_step() {
  hits = 0;
  stop_at = 0;
  uint32_t first;
  asm volatile("pushl $0x102; popfl; 1: nop; nop; movl $1b, %0; pushl $2; popfl; nop" : "=r"(first) : : "cc", "memory");
  expect_equal("a trap behind each instruction", hits, 5);
  check(dr6 & kBs, "DR6.BS");
  expect_equal("the first one behind POPF and one more", eips[0], first + 1);
  expect_equal("then the next", eips[1], first + 2);
  hits = 0;
  asm volatile("pushl $0x102; popfl; movl %%ss, %%eax; movl %%eax, %%ss; nop; pushl $2; popfl"
               :
               :
               : "eax", "cc", "memory");
  expect_equal("none between MOV SS and the next", hits, 4);
  hits = 0;
  asm volatile("movl $3, %%ecx; pushl $0x102; popfl; 1: loop 1b; pushl $2; popfl" : : : "ecx", "cc", "memory");
  expect_equal("a loop", hits, 5);
  hits = 0;
  set_handler(0x60, [](Frame&) {});
  asm volatile("pushl $0x102; popfl; int $0x60; nop; pushl $2; popfl" : : : "cc", "memory");
  expect_equal("INT n runs its handler at full speed", hits, 3);
}

void user_steps() {
  asm volatile("pushl $0x102; popfl; nop; nop; cpuid; nop; pushl $2; popfl"
               :
               :
               : "eax", "ebx", "ecx", "edx", "cc", "memory");
}

volatile uint32_t watched[4];

// The address of an instruction inside `site`.
extern "C" void debug_site();
extern "C" uint8_t debug_inside[];
asm(".text; debug_site: nop; debug_inside: nop; nop; ret");

void code_breakpoint() {
  hits = 0;
  stop_at = 0;
  write_dr0(reinterpret_cast<uint32_t>(debug_inside));
  write_dr7(0x402);
  debug_site();
  debug_site();
  write_dr7(0x400);
  debug_site();
  if (!hits) return skip("code breakpoints", "this processor has none");
  expect_equal("a code breakpoint hits each time", hits, 2);
  expect_equal("  before the instruction", eips[0], reinterpret_cast<uint32_t>(debug_inside));
  expect_equal("  DR6.B0", dr6 & 15, 1);
}

void data_breakpoint() {
  hits = 0;
  write_dr1(reinterpret_cast<uint32_t>(&watched[1]));
  write_dr7(0x408 | 0xd00000);  // writes of 4 bytes
  watched[0] = 1;
  watched[1] = 2;
  watched[2] = watched[1];
  write_dr7(0x400);
  if (!hits) return skip("data breakpoints", "this processor has none");
  expect_equal("a data breakpoint hits on the write", hits, 1);
  expect_equal("  DR6.B1", dr6 & 15, 2);
}

void general_detect() {
  hits = 0;
  write_dr7(0x400 | 1u << 13);
  write_dr0(0);  // traps; the handler may use the registers
  if (!hits) return skip("general detect", "this processor has none");
  check(dr6 & kBd, "general detect");
  check(!(read_dr7() & 1u << 13), "  it disarms itself");
}

}  // namespace

void run_tests() {
  set_handler(kDb, on_debug);
  single_step();
  hits = 0;
  run_user(user_steps, kFlagFixed | kFlagIf);
  expect_equal("steps at ring 3", hits, 6);
  code_breakpoint();
  data_breakpoint();
  general_detect();
}
