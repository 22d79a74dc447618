// SPDX-License-Identifier: GPL-2.0-only
// The GDT, IDT and TSS of every test image; spare GDT entries for tests.
#pragma once

#include <stdint.h>

namespace guest {

enum : uint16_t {
  kCode0 = 0x08,
  kData0 = 0x10,
  kCode3 = 0x18 | 3,
  kData3 = 0x20 | 3,
  kTssSelector = 0x28,
  kFirstSpare = 0x30,
  kGdtBytes = 0x100,
};
constexpr uint16_t spare(unsigned index) { return static_cast<uint16_t>(kFirstSpare + 8 * index); }

// Types for the access byte: present, DPL 0.
inline constexpr uint8_t kTypeCode = 0x9a, kTypeConforming = 0x9e, kTypeData = 0x92, kTypeReadOnly = 0x90;
inline constexpr uint8_t kTypeDown = 0x96, kTypeExecuteOnly = 0x98, kTypeTss = 0x89, kTypeTss16 = 0x81;
inline constexpr uint8_t kTypeLdt = 0x82, kTypeCallGate = 0x8c, kTypeTaskGate = 0x85, kTypeInterruptGate = 0x8e;
inline constexpr uint8_t kTypeTrapGate = 0x8f, kDpl3 = 0x60, kPresent = 0x80, kAccessed = 1;
inline constexpr uint8_t kSize32 = 0x4, kPages = 0x8;  // flags nibble: D/B, G

struct Tss {
  uint32_t link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags;
  uint32_t eax, ecx, edx, ebx, esp, ebp, esi, edi;
  uint32_t es, cs, ss, ds, fs, gs, ldt;
  uint16_t trap, io_map;
  uint8_t io_bits[8192 + 1];
};

extern uint64_t gdt[kGdtBytes / 8];
extern uint64_t idt[256];
extern Tss tss;

void tables_init();
uint64_t make_descriptor(uint32_t base, uint32_t limit, uint8_t type, uint8_t flags);
uint64_t make_gate(uint16_t selector, uint32_t offset, uint8_t type, unsigned parameters = 0);
void set_descriptor(uint16_t selector, uint32_t base, uint32_t limit, uint8_t type, uint8_t flags = kSize32);
// Changes the DPL or type of a vector's gate; the stub stays.
void set_gate_type(unsigned vector, uint8_t type);
uint8_t type_byte(uint16_t selector);  // as it is in memory now

}  // namespace guest
