// SPDX-License-Identifier: GPL-2.0-only
// Device memory through the forms of 64-bit code: the local APIC's initial count holds 32 bits as written.
#include "devices.h"
#include "kernel.h"

using namespace guest;

namespace {

constexpr uint64_t kHigh = 0xffff888000000000;
// The linker knows the register there as reached_count (guests/CMakeLists.txt).
constexpr uint64_t kReach = 0x7ffff000;
volatile uint32_t* reg;

// One instruction on the register at RDI or R10, with RAX, RCX and R9 in hand.
#define ON_REGISTER(name, code, before, rax_in, after, ...)                        \
  do {                                                                             \
    *reg = (before);                                                               \
    uint64_t a = (rax_in), c = 2;                                                  \
    asm volatile("mov %%rdi, %%r10; movl $7, %%r9d; " code                         \
                 : "+a"(a), "+c"(c)                                                \
                 : "D"(reg)                                                        \
                 : "memory", "cc", "rdx", "rbx", "r8", "r9", "r10", "r11", "r12"); \
    expect_equal(name, *reg, after);                                               \
    __VA_OPT__(expect_equal("  RAX", a, __VA_ARGS__);)                             \
  } while (0)

constexpr uint64_t kFull = 0xffffffff12345678;

void moves() {
  ON_REGISTER("MOV to it", "movl %%eax, (%%rdi)", 1, kFull, 0x12345678, kFull);
  ON_REGISTER("MOV from it clears the upper half", "movl (%%rdi), %%eax", 0x89abcdef, ~0ull, 0x89abcdef, 0x89abcdef);
  ON_REGISTER("MOV of a constant", "movl $0x55aa55aa, (%%r10)", 1, 0, 0x55aa55aa);
  ON_REGISTER("registers of REX", "movl %%r9d, (%%r10)", 1, 0, 7);
  ON_REGISTER("MOVSXD", "movslq (%%r10), %%rax", 0x80000000, 0, 0x80000000, 0xffffffff80000000);
  ON_REGISTER("CMOV", "cmpq %%rax, %%rax; cmovel (%%rdi), %%eax", 77, ~0ull, 77, 77);
  ON_REGISTER("CMOV that does not", "cmpq %%rax, %%rax; cmovnel (%%rdi), %%eax", 77, ~0ull, 77, 0xffffffff);
  ON_REGISTER("with base, index and displacement", "movq $-2, %%r8; movl %%eax, 16(%%r10, %%r8, 8)", 1, 2, 2);
  ON_REGISTER("with R12 as the base", "movq %%rdi, %%r12; movl %%eax, (%%r12)", 1, 3, 3);
  ON_REGISTER("XCHG", "xchgl %%r9d, (%%rdi); movl %%r9d, %%eax", 3, 4, 7, 3);
}

void arithmetic() {
  ON_REGISTER("ADD", "addl %%r9d, (%%r10)", 5, 0, 12);
  ON_REGISTER("ADD from it", "addl (%%r10), %%eax", 5, 6, 5, 11);
  ON_REGISTER("ADC", "stc; adcl $1, (%%rdi)", 5, 0, 7);
  ON_REGISTER("SBB", "stc; sbbl $0, (%%rdi)", 5, 0, 4);
  ON_REGISTER("AND", "andl $0xff00, (%%rdi)", 0x12345678, 0, 0x5600);
  ON_REGISTER("LOCK OR", "lock orl %%eax, (%%rdi)", 0x0f, 0xf0, 0xff);
  ON_REGISTER("NOT", "notl (%%rdi)", 0xf0f0f0f0, 0, 0x0f0f0f0f);
  ON_REGISTER("NEG", "negl (%%rdi)", 1, 0, 0xffffffff);
  ON_REGISTER("INC", "incl (%%r10)", 0xff, 0, 0x100);
  ON_REGISTER("DEC", "decl (%%r10)", 0x100, 0, 0xff);
  ON_REGISTER("SHL by CL", "shll %%cl, (%%r10)", 0x123, 0, 0x48c);
  ON_REGISTER("IMUL", "imull (%%rdi), %%eax", 7, 6, 7, 42);
  ON_REGISTER("MUL", "mull (%%rdi)", 7, 6, 7, 42);
  ON_REGISTER("XADD", "lock xaddl %%eax, (%%rdi)", 7, 3, 10, 7);
  ON_REGISTER("CMPXCHG that matches", "movl $99, %%ecx; lock cmpxchgl %%ecx, (%%rdi)", 7, 7, 99, 7);
  ON_REGISTER("CMPXCHG that does not", "movl $99, %%ecx; lock cmpxchgl %%ecx, (%%rdi)", 7, 8, 7, 7);
  ON_REGISTER("BTS", "btsl $5, (%%rdi)", 0, 0, 0x20);
  ON_REGISTER("BTC by a register", "btcl %%r9d, (%%rdi)", 0, 0, 0x80);
  ON_REGISTER("TEST", "testl $8, (%%r10); setnz %%al; movzbl %%al, %%eax", 9, 0, 9, 1);
  ON_REGISTER("CMP", "cmpl (%%r10), %%r9d; sete %%al; movzbl %%al, %%eax", 7, 0, 7, 1);
}

void strings() {
  uint32_t from[2] = {0xa1, 0xa2}, to[2] = {};
  uint64_t source = address_of(from), target = address_of(reg), count = 1;
  asm volatile("cld; movsl" : "+S"(source), "+D"(target) : : "memory");
  expect_equal("MOVS to it", *reg, 0xa1);
  expect_equal("  RDI moved", target, address_of(reg) + 4);
  source = address_of(reg);
  target = address_of(to);
  asm volatile("rep movsl" : "+S"(source), "+D"(target), "+c"(count) : : "memory");
  expect_equal("REP MOVS from it", to[0], 0xa1);
  expect_equal("  RCX", count, 0);
  target = address_of(reg);
  asm volatile("stosl" : "+D"(target) : "a"(0xbeef) : "memory");
  expect_equal("STOS", *reg, 0xbeef);
  uint64_t rax = ~0ull;
  source = address_of(reg);
  asm volatile("lodsl" : "+a"(rax), "+S"(source) : : "memory");
  expect_equal("LODS clears the upper half", rax, 0xbeef);
}

// In the upper half; with a displacement from RIP; with a segment base; with an address size of 32 bits.
void addresses() {
  entry_of(kHigh) = 0xfee00000 | kP | kW;
  reg = reinterpret_cast<volatile uint32_t*>(kHigh + kApicInitial);
  ON_REGISTER("in the upper half", "movl %%eax, (%%rdi)", 1, 0x4321, 0x4321);
  arithmetic();
  strings();
  expect_equal("  the mapping has A and D", entry_of(kHigh) & (kA | kD), kA | kD);

  entry_of(kReach) = 0xfee00000 | kP | kW;
  reg = reinterpret_cast<volatile uint32_t*>(kReach + kApicInitial);
  ON_REGISTER("relative to RIP", "movl %%eax, reached_count(%%rip)", 1, 0x1234, 0x1234);
  ON_REGISTER("  with a constant behind the displacement", "movl $0x777, reached_count(%%rip)", 1, 0, 0x777);
  ON_REGISTER("  read, changed and written", "addl $0x11, reached_count(%%rip)", 1, 0, 0x12);
  wrmsr(kMsrGsBase, kReach);
  ON_REGISTER("with a base in GS", "movl %%gs:0x380, %%eax", 0x99, 0, 0x99, 0x99);
  wrmsr(kMsrGsBase, 0);
  ON_REGISTER("with a 32-bit address", "movabsq $0xf00000000, %%r8; orq %%r8, %%rdi; movl %%eax, (%%edi)", 1, 5, 5);
  ON_REGISTER("with a 64-bit offset", "movabsl %%eax, 0x7ffff380", 1, 6, 6);
}

}  // namespace

void run_tests() {
  entry_of(kReach & ~0x1fffffull, 2) = 0;  // 4-KiB pages there
  reg = &apic(kApicInitial);
  apic(kApicTimer) = kApicMasked;
  apic(kApicDivide) = 0xa;  // by 128
  moves();
  arithmetic();
  strings();
  addresses();
  *reg = 0;
}
