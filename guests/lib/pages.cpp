// SPDX-License-Identifier: GPL-2.0-only
#include "pages.h"

#include "cpu.h"

namespace guest {

namespace {
constexpr uint32_t kPool = 16u << 20;
constexpr uint32_t kFrame32 = 0xfffff000;
constexpr uint64_t kFrame64 = 0x000ffffffffff000;
uint32_t next_page = kPool;

template <class Entry>
volatile Entry* table_of(uint64_t entry) {
  return reinterpret_cast<volatile Entry*>(static_cast<uint32_t>(entry & kFrame64) & kFrame32);
}
}  // namespace

void* allocate_page() {
  auto* page = reinterpret_cast<volatile uint32_t*>(next_page);
  next_page += kPage;
  for (unsigned i = 0; i < kPage / 4; ++i) page[i] = 0;
  return const_cast<uint32_t*>(page);
}

volatile uint32_t& TwoLevel::pte(uint32_t va) {
  if (!(pde(va) & kPteP)) pde(va) = address_of(allocate_page()) | kPteP | kPteW | kPteU;
  return table_of<uint32_t>(pde(va))[va >> 12 & 0x3ff];
}

void TwoLevel::map(uint32_t va, uint32_t pa, uint32_t flags) { pte(va) = pa | flags; }
void TwoLevel::map_large(uint32_t va, uint32_t pa, uint32_t flags) { pde(va) = pa | flags | kPtePs; }

void TwoLevel::identity(uint32_t bytes, uint32_t flags) {
  for (uint32_t a = 0; a < bytes; a += kPage) map(a, a, flags);
}

Pae::Pae() : pointers_(static_cast<uint64_t*>(allocate_page())) {
  for (unsigned i = 0; i < 4; ++i) pointers_[i] = address_of(allocate_page()) | kPteP;
}

volatile uint64_t& Pae::pde(uint32_t va) { return table_of<uint64_t>(pdpte(va))[va >> 21 & 0x1ff]; }

volatile uint64_t& Pae::pte(uint32_t va) {
  if (!(pde(va) & kPteP)) pde(va) = address_of(allocate_page()) | kPteP | kPteW | kPteU;
  return table_of<uint64_t>(pde(va))[va >> 12 & 0x1ff];
}

void Pae::map(uint32_t va, uint64_t pa, uint64_t flags) { pte(va) = pa | flags; }
void Pae::map_large(uint32_t va, uint64_t pa, uint64_t flags) { pde(va) = pa | flags | kPtePs; }

void Pae::identity(uint32_t bytes, uint64_t flags) {
  for (uint32_t a = 0; a < bytes; a += kPage) map(a, a, flags);
}

void paging_on(uint32_t cr3) {
  write_cr3(cr3);
  write_cr0(read_cr0() | kCr0Pg);
}
void paging_off() { write_cr0(read_cr0() & ~kCr0Pg); }

}  // namespace guest
