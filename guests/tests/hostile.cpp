// SPDX-License-Identifier: GPL-2.0-only
// A guest that does everything it should not. What becomes of it does not matter; the host must live on.
// The command line chooses: spin jumps hole random tables registers devices pagetables recursion; seed1 to seed9 vary it.
#include "cpu.h"
#include "devices.h"
#include "pages.h"
#include "print.h"
#include "tables.h"
#include "test.h"

using namespace guest;

namespace {

uint32_t seed = 0x12345678;
uint32_t next_random() {
  seed ^= seed << 13;
  seed ^= seed >> 17;
  seed ^= seed << 5;
  return seed;
}

// Everything in reach is put back before each round: the guest's aim is to go on.
alignas(16) uint8_t own_stack[0x8000];
void (*round)();
uint32_t rounds_left;

[[noreturn]] void next_round() {
  attempt_resume = 0;
  write_cr0(kCr0Pe | kCr0Et);
  tables_init();
  while (rounds_left--) { round(); }
  print("it goes on\n");
  finish();
}

[[noreturn]] void restart() {
  asm volatile("cli; cld; movl %0, %%esp; jmp *%1" : : "r"(own_stack + sizeof own_stack - 16), "r"(next_round));
  __builtin_unreachable();
}

void run(void (*what)(), uint32_t rounds) {
  for (unsigned vector = 0; vector < 32; ++vector) set_handler(vector, [](Frame&) { restart(); });
  round = what;
  rounds_left = rounds;
  restart();
}

void jump_anywhere() {
  const uint32_t target = next_random();
  // Mostly where there is memory: QEMU by itself gives up on code elsewhere.
  asm volatile("jmp *%0" : : "r"(option("engine=bare") || target & 3 ? target & 0x1ffffff : target));
}

void touch_everything() {
  for (uint32_t page = 64u << 20; page; page += kPage) {
    if (page >= 0xfec00000 && page < 0xff000000) continue;
    *reinterpret_cast<volatile uint32_t*>(page + 0x10) = page;
  }
  TwoLevel tables;
  write_cr4(read_cr4() | kCr4Pse);
  for (uint32_t i = 0; i < 1024; ++i) tables.map_large(i << 22, (i & 7) << 22, kPteP | kPteW | kPteU);
  paging_on(tables.cr3());
  for (uint32_t va = 32u << 20; va; va += kPage)  // the same 32 MiB again and again, where the image is not
    if ((va & 0x1ffffff) > (24u << 20)) *reinterpret_cast<volatile uint32_t*>(va) = va;
  for (uint32_t va = 0; va < 0xfff00000; va += 0x10000) asm volatile("movl (%0), %%eax" : : "r"(va) : "eax");
  paging_off();
}

alignas(4096) uint8_t scratch[0x10000];
void run_random_bytes() {
  constexpr uint8_t kHlt = 0xf4, kUd2[] = {0x0f, 0x0b};
  const uint32_t start = next_random() & 0xfff0;
  for (unsigned i = 0; i < 16; ++i) {
    const auto byte = static_cast<uint8_t>(next_random());
    scratch[start + i] = byte == kHlt ? 0x90 : byte;  // a halt would be the end of the test
  }
  for (unsigned i = 0; i < sizeof scratch - start - 16; ++i) scratch[start + 16 + i] = kUd2[i & 1];
  asm volatile("pushl %0; pushl %0; pushl %0; movl %0, %%eax; movl %0, %%ecx; movl %0, %%edi; movl %0, %%esi; jmp *%0"
               :
               : "b"(scratch + start));
}

void random_tables() {
  static uint64_t garbage[512];
  for (uint64_t& word : garbage) word = uint64_t{next_random()} << 32 | next_random();
  // Sometimes whole garbage, sometimes one garbled entry.
  if (next_random() & 1) {
    gdt[(next_random() & 31)] = garbage[0];
    idt[next_random() & 31] = garbage[1];
    tss.ss0 = next_random();
    tss.esp0 = next_random();
  } else {
    lidt({static_cast<uint16_t>(next_random()),
          next_random() & 1 ? next_random() : reinterpret_cast<uint32_t>(garbage)});
    if (next_random() & 1)
      lgdt({static_cast<uint16_t>(next_random()),
            next_random() & 1 ? next_random() : reinterpret_cast<uint32_t>(garbage)});
  }
  const uint32_t selector = next_random() & 0xff;
  switch (next_random() % 6) {
    case 0: asm volatile("mov %0, %%ds" : : "r"(selector)); break;
    case 1: asm volatile("mov %0, %%ss" : : "r"(selector)); break;
    case 2: asm volatile("ltr %w0" : : "r"(selector)); break;
    case 3: asm volatile("lldt %w0" : : "r"(selector)); break;
    case 4: asm volatile("pushl %0; pushl %1; lret" : : "r"(selector), "r"(next_random())); break;
    default: asm volatile("int $0x20; ud2"); break;
  }
}

void random_registers() {
  const uint32_t value = next_random();
  switch (next_random() % 6) {
    case 0: asm volatile("mov %0, %%cr0; jmp 1f; 1:" : : "r"(value | 1)); break;
    case 1: asm volatile("mov %0, %%cr3" : : "r"(value)); break;
    case 2:
      // QEMU itself never gets out of reserved bits.
      if (!option("engine=bare")) asm volatile("mov %0, %%cr4" : : "r"(value & next_random() & next_random()));
      break;
    case 3: asm volatile("wrmsr" : : "c"(0xc0000080 + (value & 3)), "a"(next_random()), "d"(0)); break;
    case 4: asm volatile("wrmsr" : : "c"(value & 0x3ff), "a"(next_random()), "d"(next_random())); break;
    default: asm volatile("pushl %0; popfl; nop" : : "r"(value & ~kFlagVm) : "cc"); break;
  }
}

void random_devices() {
  const uint32_t value = next_random();
  switch (next_random() % 5) {
    case 0: apic((next_random() & 0x3f) << 4) = value; break;
    case 1: ioapic_write(static_cast<uint8_t>(value), next_random()); break;
    case 2:
      outb(static_cast<uint16_t>(0x20 + (value & 1) + (value & 2) * 0x40), static_cast<uint8_t>(value >> 8));
      break;
    case 3: outb(static_cast<uint16_t>(0x40 + (value & 3)), static_cast<uint8_t>(value >> 8)); break;
    default: asm volatile("movl (%0), %%eax" : : "r"(&apic(value & 0xffc)) : "eax", "memory"); break;
  }
  if ((value & 0xf000) == 0) asm volatile("sti; nop; nop; cli");
}

void random_pagetables() {
  auto* directory = reinterpret_cast<volatile uint32_t*>(20u << 20);
  for (uint32_t i = 1; i < 1024; ++i) directory[i] = next_random() & 1 ? next_random() & 0x01ffffe7 : next_random();
  directory[0] = 0x83;                                // so that this code remains
  directory[next_random() & 1023] = (20u << 20) | 7;  // itself as a table
  write_cr4(read_cr4() | kCr4Pse);
  write_cr3(20u << 20);
  write_cr0(read_cr0() | kCr0Pg);
  for (unsigned i = 0; i < 16; ++i) {
    const uint32_t va = next_random();
    (void)ATTEMPT("movl (%0), %%eax", : : "r"(va) : "eax");
    if (va > (8u << 20)) (void)ATTEMPT("movl %0, (%0)", : : "r"(va | 0x400000) : "memory");
    (void)ATTEMPT("invlpg (%0)", : : "r"(va) : "memory");
  }
  paging_off();
}

[[gnu::noinline]] void recurse() { asm volatile("1: pushl $1b; jmp 1b"); }

}  // namespace

void run_tests() {
  char word[] = "seed0";
  for (char digit = '1'; digit <= '9'; ++digit) {
    word[4] = digit;
    if (option(word)) seed += static_cast<uint32_t>(digit) * 0x9e3779b9;
  }
  if (option("spin")) for (;;) asm volatile("");
  if (option("poll")) for (;;) asm volatile("movl (%0), %%eax" : : "r"(&apic(0x20)) : "eax", "memory");
  if (option("jumps")) run(jump_anywhere, 2000);
  if (option("hole")) run(touch_everything, 1);
  if (option("random")) run(run_random_bytes, 3000);
  if (option("tables")) run(random_tables, 500);
  if (option("registers")) run(random_registers, 500);
  if (option("devices")) run(random_devices, 20000);
  if (option("pagetables")) run(random_pagetables, 100);
  if (option("recursion")) recurse();
  check(false, "nothing to do: see the command line");
}
