// SPDX-License-Identifier: GPL-2.0-only
#include "tables.h"

#include "cpu.h"

namespace guest {

namespace {
constexpr unsigned kStubBytes = 16;
alignas(16) uint8_t interrupt_stack[0x4000];  // entries from ring 3
}  // namespace

extern "C" uint8_t vector_stubs[];

alignas(8) uint64_t gdt[kGdtBytes / 8];
alignas(8) uint64_t idt[256];
alignas(128) Tss tss;

uint64_t make_descriptor(uint32_t base, uint32_t limit, uint8_t type, uint8_t flags) {
  const uint32_t low = (limit & 0xffff) | base << 16;
  const uint32_t high =
      ((base >> 16) & 0xff) | uint32_t{type} << 8 | (limit & 0xf0000) | uint32_t{flags} << 20 | (base & 0xff000000);
  return uint64_t{high} << 32 | low;
}

uint64_t make_gate(uint16_t selector, uint32_t offset, uint8_t type, unsigned parameters) {
  const uint32_t low = uint32_t{selector} << 16 | (offset & 0xffff);
  const uint32_t high = (offset & 0xffff0000) | uint32_t{type} << 8 | parameters;
  return uint64_t{high} << 32 | low;
}

void set_descriptor(uint16_t selector, uint32_t base, uint32_t limit, uint8_t type, uint8_t flags) {
  *const_cast<volatile uint64_t*>(&gdt[selector / 8]) = make_descriptor(base, limit, type, flags);
}

void set_gate_type(unsigned vector, uint8_t type) {
  const uint32_t stub = reinterpret_cast<uint32_t>(vector_stubs) + kStubBytes * vector;
  *const_cast<volatile uint64_t*>(&idt[vector]) = make_gate(kCode0, stub, type);
}

uint8_t type_byte(uint16_t selector) { return reinterpret_cast<const volatile uint8_t*>(&gdt[selector / 8])[5]; }

void tables_init() {
  constexpr uint8_t kFlat = kSize32 | kPages;
  set_descriptor(kCode0, 0, 0xfffff, kTypeCode, kFlat);
  set_descriptor(kData0, 0, 0xfffff, kTypeData, kFlat);
  set_descriptor(kCode3, 0, 0xfffff, kTypeCode | kDpl3, kFlat);
  set_descriptor(kData3, 0, 0xfffff, kTypeData | kDpl3, kFlat);
  set_descriptor(kTssSelector, reinterpret_cast<uint32_t>(&tss), sizeof tss - 1, kTypeTss, 0);
  for (unsigned vector = 0; vector < 256; ++vector) set_gate_type(vector, kTypeInterruptGate);

  tss.ss0 = kData0;
  tss.esp0 = reinterpret_cast<uint32_t>(interrupt_stack + sizeof interrupt_stack);
  tss.io_map = sizeof tss;  // beyond the limit: no port is allowed
  lgdt({kGdtBytes - 1, reinterpret_cast<uint32_t>(gdt)});
  lidt({sizeof idt - 1, reinterpret_cast<uint32_t>(idt)});
  asm volatile("ljmp %0, $1f\n1:" ::"i"(kCode0) : "memory");
  write_ds(kData0);
  write_es(kData0);
  write_fs(kData0);
  write_gs(kData0);
  write_ss(kData0);
  lldt(0);
  ltr(kTssSelector);
}

}  // namespace guest
