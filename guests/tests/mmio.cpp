// SPDX-License-Identifier: GPL-2.0-only
// Every kind of instruction on a device register: the local APIC's initial count holds 32 bits as written.
#include "cpu.h"
#include "devices.h"
#include "pages.h"
#include "tables.h"
#include "test.h"

using namespace guest;

namespace {

volatile uint32_t* reg;

// One instruction on the register at EDI, with EAX and ECX in hand.
#define ON_REGISTER(name, code, before, eax_in, after, ...)                          \
  do {                                                                               \
    *reg = (before);                                                                 \
    uint32_t a = (eax_in), c = 0x11;                                                 \
    asm volatile(code : "+a"(a), "+c"(c) : "D"(reg) : "memory", "cc", "edx", "ebx"); \
    expect_equal(name, *reg, after);                                                 \
    __VA_OPT__(expect_equal("  EAX", a, __VA_ARGS__);)                               \
  } while (0)

void moves() {
  ON_REGISTER("MOV to it", "movl %%eax, (%%edi)", 1, 0x12345678, 0x12345678, 0x12345678);
  ON_REGISTER("MOV from it", "movl (%%edi), %%eax", 0x89abcdef, 0, 0x89abcdef, 0x89abcdef);
  ON_REGISTER("MOV of a constant", "movl $0x55aa55aa, (%%edi)", 1, 0, 0x55aa55aa);
  ON_REGISTER("XCHG", "xchgl %%eax, (%%edi)", 3, 4, 4, 3);
  ON_REGISTER("PUSH and POP", "pushl (%%edi); popl %%eax; incl %%eax; pushl %%eax; popl (%%edi)", 8, 0, 9, 9);
  ON_REGISTER("CMOV", "cmpl %%eax, %%eax; cmovel (%%edi), %%eax", 77, 0, 77, 77);
  ON_REGISTER("with an index", "movl $-4, %%ecx; movl %%eax, 16(%%edi, %%ecx, 4)", 1, 2, 2);
}

void arithmetic() {
  ON_REGISTER("ADD", "addl %%eax, (%%edi)", 5, 6, 11);
  ON_REGISTER("ADD from it", "addl (%%edi), %%eax", 5, 6, 5, 11);
  ON_REGISTER("ADC", "stc; adcl $1, (%%edi)", 5, 0, 7);
  ON_REGISTER("SUB", "subl $1, (%%edi)", 5, 0, 4);
  ON_REGISTER("SBB", "stc; sbbl $0, (%%edi)", 5, 0, 4);
  ON_REGISTER("AND", "andl $0xff00, (%%edi)", 0x12345678, 0, 0x5600);
  ON_REGISTER("OR", "orl %%eax, (%%edi)", 0x0f, 0xf0, 0xff);
  ON_REGISTER("XOR", "xorl %%eax, (%%edi)", 0xff, 0x0f, 0xf0);
  ON_REGISTER("LOCK OR", "lock orl %%eax, (%%edi)", 0x0f, 0xf0, 0xff);
  ON_REGISTER("NOT", "notl (%%edi)", 0xf0f0f0f0, 0, 0x0f0f0f0f);
  ON_REGISTER("NEG", "negl (%%edi)", 1, 0, 0xffffffff);
  ON_REGISTER("INC", "incl (%%edi)", 0xff, 0, 0x100);
  ON_REGISTER("DEC", "decl (%%edi)", 0x100, 0, 0xff);
  ON_REGISTER("SHL", "shll $4, (%%edi)", 0x123, 0, 0x1230);
  ON_REGISTER("ROR", "rorl $4, (%%edi)", 0x123, 0, 0x30000012);
  ON_REGISTER("IMUL", "imull (%%edi), %%eax", 7, 6, 7, 42);
  ON_REGISTER("MUL", "mull (%%edi)", 7, 6, 7, 42);
  ON_REGISTER("DIV", "xorl %%edx, %%edx; divl (%%edi)", 7, 42, 7, 6);
  ON_REGISTER("XADD", "lock xaddl %%eax, (%%edi)", 7, 3, 10, 7);
  ON_REGISTER("CMPXCHG that matches", "movl $99, %%ecx; lock cmpxchgl %%ecx, (%%edi)", 7, 7, 99, 7);
  ON_REGISTER("CMPXCHG that does not", "movl $99, %%ecx; lock cmpxchgl %%ecx, (%%edi)", 7, 8, 7, 7);
  ON_REGISTER("BTS", "btsl $5, (%%edi)", 0, 0, 0x20);
  ON_REGISTER("BTR", "btrl $5, (%%edi)", 0xff, 0, 0xdf);
  ON_REGISTER("BTC by a register", "btcl %%ecx, (%%edi)", 0, 0, 0x20000);
  ON_REGISTER("BT", "btl $3, (%%edi); setc %%al; movzbl %%al, %%eax", 8, 0, 8, 1);
  ON_REGISTER("CMP", "cmpl $9, (%%edi); sete %%al; movzbl %%al, %%eax", 9, 0, 9, 1);
  ON_REGISTER("TEST", "testl $8, (%%edi); setnz %%al; movzbl %%al, %%eax", 9, 0, 9, 1);
  ON_REGISTER("BSF", "bsfl (%%edi), %%eax", 0x80, 0, 0x80, 7);
}

void strings() {
  uint32_t from[4] = {0xa1, 0xa2, 0xa3, 0xa4}, to[4] = {};
  uint32_t source = address_of(from), target = address_of(reg), count = 1;
  asm volatile("cld; movsl" : "+S"(source), "+D"(target) : : "memory");
  expect_equal("MOVS to it", *reg, 0xa1);
  expect_equal("  EDI moved", target, address_of(reg) + 4);
  source = address_of(reg);
  target = address_of(to);
  asm volatile("rep movsl" : "+S"(source), "+D"(target), "+c"(count) : : "memory");
  expect_equal("REP MOVS from it", to[0], 0xa1);
  expect_equal("  ECX", count, 0);
  target = address_of(reg);
  asm volatile("stosl" : "+D"(target) : "a"(0xbeef) : "memory");
  expect_equal("STOS", *reg, 0xbeef);
  uint32_t eax;
  source = address_of(reg);
  asm volatile("lodsl" : "=a"(eax), "+S"(source) : : "memory");
  expect_equal("LODS", eax, 0xbeef);
  bool equal;
  target = address_of(reg);
  asm volatile("scasl; sete %0" : "=q"(equal), "+D"(target) : "a"(0xbeef) : "memory", "cc");
  check(equal, "SCAS");
  from[0] = 0xbeef;
  source = address_of(from);
  target = address_of(reg);
  asm volatile("cmpsl; sete %0" : "=q"(equal), "+S"(source), "+D"(target) : : "memory", "cc");
  check(equal, "CMPS");
  // Backwards, and from one register to another.
  apic(kApicIcr2) = 0x0f000000;
  source = address_of(&apic(kApicIcr2));
  target = address_of(reg);
  asm volatile("std; movsl; cld" : "+S"(source), "+D"(target) : : "memory");
  expect_equal("MOVS between two registers", *reg, 0x0f000000);
  expect_equal("  downwards", target, address_of(reg) - 4);
  apic(kApicIcr2) = 0;
}

// With paging: the device under another address, and a page fault when its mapping goes.
void mapped() {
  constexpr uint32_t kVa = 0x70000000;
  TwoLevel tables;
  tables.identity(32u << 20, kPteP | kPteW);
  tables.map(kVa, 0xfee00000, kPteP | kPteW);
  paging_on(tables.cr3());
  reg = reinterpret_cast<volatile uint32_t*>(kVa + kApicInitial);
  *reg = 0x4321;
  expect_equal("through paging", *reg, 0x4321);
  check((tables.pte(kVa) & (kPteA | kPteD)) == (kPteA | kPteD), "  A and D");
  arithmetic();
  tables.map(kVa, 0xfee00000, kPteP);
  invlpg(const_cast<uint32_t*>(reg));
  write_cr0(read_cr0() | kCr0Wp);
  const Caught c = ATTEMPT("movl $1, (%0)", : : "r"(reg));
  expect_fault("a read-only mapping of it", c, kPf, kPfP | kPfW);
  write_cr0(read_cr0() & ~kCr0Wp);
  paging_off();
}

}  // namespace

void run_tests() {
  if (!has_edx(kCpuidApic)) return skip("device memory", "no local APIC");
  reg = &apic(kApicInitial);
  apic(kApicTimer) = kApicMasked;
  apic(kApicDivide) = 0xa;  // by 128
  moves();
  arithmetic();
  strings();
  mapped();
  const uint32_t version = apic(kApicVersion);
  apic(kApicVersion) = 0;
  expect_equal("a register that cannot be written", apic(kApicVersion), version);
  check(ioapic_read(1) >> 16 >= 15, "the I/O APIC has its pins");
  ioapic_write(0x10 + 2 * 5 + 1, 0xff000000);
  expect_equal("a redirection entry", ioapic_read(0x10 + 2 * 5 + 1), 0xff000000);
  *reg = 0;
}
