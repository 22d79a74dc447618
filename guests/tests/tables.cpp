// SPDX-License-Identifier: GPL-2.0-only
// Descriptor-table registers: what was loaded is what is told, and it takes effect.
#include "tables.h"

#include "cpu.h"
#include "test.h"

using namespace guest;

namespace {

alignas(8) uint64_t other_gdt[kGdtBytes / 8], other_idt[256], ldt[4];
volatile uint32_t word = 0xabcd;

void told() {
  expect_equal("SGDT base", sgdt().base, reinterpret_cast<uint32_t>(gdt));
  expect_equal("SGDT limit", sgdt().limit, kGdtBytes - 1);
  expect_equal("SIDT base", sidt().base, reinterpret_cast<uint32_t>(idt));
  expect_equal("SIDT limit", sidt().limit, sizeof idt - 1);
  uint32_t value = 0;
  asm volatile("str %0" : "=r"(value));
  expect_equal("STR", value & 0xffff, kTssSelector);
  volatile uint32_t memory = 0xffffffff;
  asm volatile("strw %0" : "=m"(memory));
  expect_equal("STR to memory writes two bytes", memory, 0xffff0000 | kTssSelector);
  asm volatile("sldt %0" : "=r"(value));
  expect_equal("SLDT", value & 0xffff, 0);
  asm volatile("smsw %0" : "=r"(value));
  expect_equal("SMSW", value & 0xffff, read_cr0() & 0xffff);
}

void moved_gdt() {
  for (unsigned i = 0; i < kGdtBytes / 8; ++i) other_gdt[i] = gdt[i];
  other_gdt[spare(0) / 8] = make_descriptor(reinterpret_cast<uint32_t>(&word), 3, kTypeData, kSize32);
  gdt[spare(0) / 8] = 0;
  lgdt({kGdtBytes - 1, reinterpret_cast<uint32_t>(other_gdt)});
  expect_equal("LGDT, SGDT", sgdt().base, reinterpret_cast<uint32_t>(other_gdt));
  write_fs(spare(0));
  uint32_t value;
  asm volatile("movl %%fs:0, %0" : "=r"(value));
  expect_equal("a selector of the new GDT", value, 0xabcd);
  write_fs(kData0);
  lgdt({spare(0) - 1, reinterpret_cast<uint32_t>(other_gdt)});
  expect_fault("beyond a shorter limit", ATTEMPT("mov %%eax, %%fs", : : "a"(spare(0))), kGp, spare(0));
  lgdt({kGdtBytes - 1, reinterpret_cast<uint32_t>(gdt)});
}

void local() {
  ldt[1] = make_descriptor(reinterpret_cast<uint32_t>(&word), 3, kTypeData, kSize32);
  ldt[2] = make_descriptor(0, 0xfffff, kTypeCode, kSize32 | kPages);
  set_descriptor(spare(1), reinterpret_cast<uint32_t>(ldt), sizeof ldt - 1, kTypeLdt, 0);
  lldt(spare(1));
  uint32_t value = 0;
  asm volatile("sldt %0" : "=r"(value));
  expect_equal("LLDT, SLDT", value & 0xffff, spare(1));
  write_gs(8 | 4);
  asm volatile("movl %%gs:0, %0" : "=r"(value));
  expect_equal("a selector of the LDT", value, 0xabcd);
  check((ldt[1] >> 40) & kAccessed, "its Accessed bit");
  uint32_t cs;
  asm volatile("ljmp %1, $1f; 1: movl %%cs, %0; ljmp %2, $2f; 2:" : "=r"(cs) : "i"(0x10 | 4), "i"(kCode0));
  expect_equal("code of the LDT", cs, 0x10 | 4);
  expect_fault("beyond the LDT", ATTEMPT("mov %%eax, %%gs", : : "a"(sizeof ldt | 4)), kGp, sizeof ldt | 4);
  expect_fault("LLDT of data", ATTEMPT("lldt %%ax", : : "a"(kData0)), kGp, kData0);
  set_descriptor(spare(2), 0, 7, kTypeLdt & ~kPresent, 0);
  expect_fault("LLDT of an absent LDT", ATTEMPT("lldt %%ax", : : "a"(spare(2))), kNp, spare(2));
  write_gs(kData0);
  lldt(0);
  expect_fault("no LDT any more", ATTEMPT("mov %%eax, %%gs", : : "a"(8 | 4)), kGp, 8 | 4);
}

void ltr_again() {
  set_descriptor(kTssSelector, reinterpret_cast<uint32_t>(&tss), sizeof tss - 1, kTypeTss, 0);
  ltr(kTssSelector);
}

void task_register() {
  check(type_byte(kTssSelector) == kTypeTss + 2, "LTR marks the TSS busy");
  expect_fault("LTR of a busy TSS", ATTEMPT("ltr %%ax", : : "a"(kTssSelector)), kGp, kTssSelector);
  const Caught null = ATTEMPT("ltr %%ax", : : "a"(0));
  ltr_again();
  if (null.vector == kNoFault)
    skip("LTR of null", "this processor allows it");
  else
    expect_fault("LTR of null", null, kGp, 0);
  expect_fault("LTR of data", ATTEMPT("ltr %%ax", : : "a"(kData0)), kGp, kData0);
  set_descriptor(spare(3), reinterpret_cast<uint32_t>(&tss), 0x67, kTypeTss & ~kPresent, 0);
  expect_fault("LTR of an absent TSS", ATTEMPT("ltr %%ax", : : "a"(spare(3))), kNp, spare(3));
}

void moved_idt() {
  for (unsigned i = 0; i < 256; ++i) other_idt[i] = idt[i];
  other_idt[0x40] = idt[0x41];
  lidt({sizeof other_idt - 1, reinterpret_cast<uint32_t>(other_idt)});
  expect_fault("the new IDT is used", ATTEMPT("int $0x40", :), 0x41, 0, 2);
  other_idt[0x40] = idt[0x42];
  expect_fault("a changed gate is used", ATTEMPT("int $0x40", :), 0x42, 0, 2);
  lidt({sizeof idt - 1, reinterpret_cast<uint32_t>(idt)});
}

}  // namespace

void run_tests() {
  told();
  moved_gdt();
  local();
  task_register();
  moved_idt();
}
