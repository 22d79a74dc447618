// SPDX-License-Identifier: GPL-2.0-only
// Physical pages from 16 MiB on, and page tables in the three formats of 32-bit paging (SDM 3A 4.3, 4.4).
#pragma once

#include <stdint.h>

namespace guest {

inline constexpr uint32_t kPage = 4096;
inline constexpr uint32_t kPteP = 1, kPteW = 2, kPteU = 4, kPteA = 0x20, kPteD = 0x40, kPtePs = 0x80, kPteG = 0x100;
inline constexpr uint64_t kPteNx = 1ull << 63;
inline constexpr uint32_t kPfP = 1, kPfW = 2, kPfU = 4, kPfRsvd = 8, kPfFetch = 16;

void* allocate_page();  // zeroed, physical address = pointer
inline uint32_t address_of(const volatile void* p) { return reinterpret_cast<uint32_t>(p); }

template <class Entry, class Bits>
void set_bits(volatile Entry& entry, Bits bits) {
  entry = entry | bits;
}
template <class Entry, class Bits>
void clear_bits(volatile Entry& entry, Bits bits) {
  entry = entry & ~static_cast<Entry>(bits);
}

// Each is built with paging off or under an identity mapping of its own tables.
class TwoLevel {
 public:
  TwoLevel() : directory_(static_cast<uint32_t*>(allocate_page())) {}
  void map(uint32_t va, uint32_t pa, uint32_t flags);        // 4 KiB
  void map_large(uint32_t va, uint32_t pa, uint32_t flags);  // 4 MiB, CR4.PSE
  void identity(uint32_t bytes, uint32_t flags);             // from 0 up, 4 KiB pages
  volatile uint32_t& pde(uint32_t va) { return directory_[va >> 22]; }
  volatile uint32_t& pte(uint32_t va);
  uint32_t cr3() const { return address_of(directory_); }

 private:
  volatile uint32_t* directory_;
};

class Pae {
 public:
  Pae();
  void map(uint32_t va, uint64_t pa, uint64_t flags);        // 4 KiB
  void map_large(uint32_t va, uint64_t pa, uint64_t flags);  // 2 MiB
  void identity(uint32_t bytes, uint64_t flags);
  volatile uint64_t& pde(uint32_t va);
  volatile uint64_t& pte(uint32_t va);
  volatile uint64_t& pdpte(uint32_t va) { return pointers_[va >> 30]; }
  uint32_t cr3() const { return address_of(pointers_); }

 private:
  volatile uint64_t* pointers_;
};

void paging_on(uint32_t cr3);
void paging_off();

}  // namespace guest
