// SPDX-License-Identifier: GPL-2.0-only
// Code that changes: by itself, from afar, through another mapping, while it runs.
#include "cpu.h"
#include "pages.h"
#include "test.h"

using namespace guest;

namespace {

constexpr uint32_t kCodeVa = 0x50000000, kAliasVa = 0x60000000;
constexpr uint8_t kMovEax = 0xb8, kRet = 0xc3, kIncEax = 0x40, kDecEax = 0x48;

using Function = uint32_t (*)();

void put32(volatile uint8_t* at, uint32_t value) {
  for (unsigned i = 0; i < 4; ++i) at[i] = static_cast<uint8_t>(value >> (8 * i));
}

// mov $value, %eax; ret
void put_function(volatile uint8_t* at, uint32_t value) {
  at[0] = kMovEax;
  put32(at + 1, value);
  at[5] = kRet;
}

uint32_t call(const volatile uint8_t* at) { return reinterpret_cast<Function>(const_cast<uint8_t*>(at))(); }

void from_afar(volatile uint8_t* code) {
  put_function(code, 1);
  expect_equal("a new function", call(code), 1);
  put32(code + 1, 0x12345678);
  expect_equal("its constant changed", call(code), 0x12345678);
  code[0] = 0x05;  // add $imm, %eax
  (void)call(code);
  put_function(code, 3);
  expect_equal("its instruction changed", call(code), 3);
  bool same = true;
  for (uint32_t i = 0; i < 5000; ++i) {
    put32(code + 1, i);
    same = same && call(code) == i;
  }
  check(same, "5000 changes, one call after each");
  for (uint32_t i = 0; i < 64; ++i) put_function(code + 16 * i, i);
  same = true;
  for (uint32_t round = 0; round < 20; ++round)
    for (uint32_t i = 0; i < 64; ++i) {
      put32(code + 16 * i + 1, round * 100 + i);
      for (uint32_t j = 0; j <= i; ++j) same = same && call(code + 16 * j) == round * 100 + j;
    }
  check(same, "64 functions of one page, changed in turn");
}

// Stores of every width and kind reach the code.
void kinds_of_stores(volatile uint8_t* code) {
  put_function(code, 0);
  (void)call(code);
  uint32_t eax, at = address_of(code) + 1, source = 0x44332211;
  asm volatile("movw $0x1234, (%1); call *%2" : "=&a"(eax) : "d"(at), "b"(at - 1) : "memory", "ecx");
  expect_equal("a word store", eax, 0x1234);
  asm volatile("addl $1, (%1); call *%2" : "=&a"(eax) : "d"(at), "b"(at - 1) : "memory", "ecx", "cc");
  expect_equal("a read-modify-write", eax, 0x1235);
  asm volatile("lock xaddl %0, (%1); call *%2" : "=&a"(eax) : "d"(at), "b"(at - 1), "0"(2) : "memory", "ecx", "cc");
  expect_equal("a locked one", eax, 0x1237);
  uint32_t from = address_of(&source), to = at, count = 4;
  asm volatile("cld; rep movsb" : "+S"(from), "+D"(to), "+c"(count) : : "memory");
  expect_equal("REP MOVSB", call(code), 0x44332211);
  to = at + 5;
  count = 8;
  asm volatile("cld; rep stosl" : "+D"(to), "+c"(count) : "a"(0x90909090) : "memory");
  expect_equal("REP STOSL behind it", call(code), 0x44332211);
  asm volatile("movl %1, %%ecx; movl %%esp, %%ebx; movl %2, %%esp; pushl %%ecx; movl %%ebx, %%esp"
               :
               : "a"(0), "r"(0x55), "r"(at + 4)
               : "ebx", "ecx", "memory");
  expect_equal("a PUSH", call(code), 0x55);
  asm volatile("pushl $0x66; popl (%0)" : : "r"(at) : "memory");
  expect_equal("a POP", call(code), 0x66);
  asm volatile("xchgl %0, (%1)" : "=&r"(eax) : "r"(at), "0"(0x77) : "memory");
  expect_equal("an XCHG", call(code), 0x77);
  asm volatile("btsl $8, (%0)" : : "r"(at) : "memory", "cc");
  expect_equal("a BTS", call(code), 0x177);
}

// A store that changes the very next instruction of the same block. After a jump the change must be seen.
void within_a_block() {
  uint32_t eax;
  asm volatile("movl $1f, %%edx; movb $0x40, (%%edx); jmp 2f; 2: xorl %%eax, %%eax; 1: decl %%eax; movb $0x48, (%%edx)"
               : "=a"(eax)
               :
               : "edx", "memory", "cc");
  expect_equal("an instruction changed before it is reached", eax, 1);
}

// A loop whose body is patched while it runs.
void patched_loop(volatile uint8_t* code) {
  // eax=0; ecx=1000; 1: inc eax; dec ecx; cmp ecx,500; jne 2; mov byte [1], dec; 2: test ecx,ecx; jnz 1; ret
  const uint8_t body[] = {0x31, 0xc0, 0xb9, 0xe8, 0x03, 0, 0, kIncEax, 0x49,    0x81, 0xf9, 0xf4, 0x01, 0,   0,
                          0x75, 0x07, 0xc6, 0x05, 0,    0, 0, 0,       kDecEax, 0x85, 0xc9, 0x75, 0xeb, kRet};
  for (unsigned i = 0; i < sizeof body; ++i) code[i] = body[i];
  put32(code + 19, address_of(code) + 7);
  expect_equal("a loop that patches itself", call(code), 0);
}

// Two neighbouring functions call each other; one is rewritten as the other returns into it.
void across_pages(volatile uint8_t* code) {
  volatile uint8_t* end = code + kPage - 3;  // the instruction crosses the boundary
  put_function(end, 0x01020304);
  expect_equal("an instruction across two pages", call(end), 0x01020304);
  code[kPage + 1] = 0xff;  // the constant's last byte
  expect_equal("its part in the second page changed", call(end), 0xff020304);
  end[1] = 0xee;
  expect_equal("and in the first", call(end), 0xff0203ee);
}

void through_mappings(volatile uint8_t* code) {
  TwoLevel tables;
  tables.identity(32u << 20, kPteP | kPteW);
  tables.map(kCodeVa, address_of(code), kPteP);  // read-only; WP matters
  tables.map(kAliasVa, address_of(code), kPteP | kPteW);
  paging_on(tables.cr3());
  write_cr0(read_cr0() | kCr0Wp);
  auto* alias = reinterpret_cast<volatile uint8_t*>(kAliasVa);
  auto* here = reinterpret_cast<volatile uint8_t*>(kCodeVa);
  put_function(alias, 11);
  expect_equal("code written through an alias", call(here), 11);
  bool same = true;
  for (uint32_t i = 0; i < 1000; ++i) {
    put32(alias + 1, i);
    same = same && call(here) == i && call(alias) == i;
  }
  check(same, "1000 changes through an alias");
  const Caught c = ATTEMPT("movb $0, (%0)", : : "r"(kCodeVa));
  expect_fault("its own mapping is read-only", c, kPf, kPfP | kPfW);
  expect_equal("and still runs", call(here), 999);
  write_cr0(read_cr0() & ~kCr0Wp);
  paging_off();
}

}  // namespace

void run_tests() {
  auto* code = static_cast<volatile uint8_t*>(allocate_page());
  (void)allocate_page();
  from_afar(code);
  kinds_of_stores(code);
  within_a_block();
  patched_loop(code);
  across_pages(code);
  through_mappings(code);
}
