// SPDX-License-Identifier: GPL-2.0-only
// The only C++ header of the monitor that holds inline assembly: one function per privileged instruction.
#pragma once

#include <cstdint>

namespace ring1::monitor::hardware {

inline uint64_t read_cr2() {
  uint64_t v;
  asm volatile("mov %%cr2, %0" : "=r"(v));
  return v;
}
inline void write_cr2(uint64_t v) { asm volatile("mov %0, %%cr2" : : "r"(v)); }
inline uint64_t read_cr3() {
  uint64_t v;
  asm volatile("mov %%cr3, %0" : "=r"(v));
  return v;
}
inline void write_cr0(uint64_t v) { asm volatile("mov %0, %%cr0" : : "r"(v) : "memory"); }
inline void write_cr3(uint64_t v) { asm volatile("mov %0, %%cr3" : : "r"(v) : "memory"); }
inline void write_cr4(uint64_t v) { asm volatile("mov %0, %%cr4" : : "r"(v) : "memory"); }
inline uint64_t read_dr6() {
  uint64_t v;
  asm volatile("mov %%dr6, %0" : "=r"(v));
  return v;
}
inline void write_dr6(uint64_t v) { asm volatile("mov %0, %%dr6" : : "r"(v)); }
inline void write_dr7(uint64_t v) { asm volatile("mov %0, %%dr7" : : "r"(v)); }

inline uint64_t read_dr(unsigned index) {
  uint64_t v = 0;
  switch (index) {
    case 0: asm volatile("mov %%dr0, %0" : "=r"(v)); break;
    case 1: asm volatile("mov %%dr1, %0" : "=r"(v)); break;
    case 2: asm volatile("mov %%dr2, %0" : "=r"(v)); break;
    case 3: asm volatile("mov %%dr3, %0" : "=r"(v)); break;
  }
  return v;
}

inline void write_dr(unsigned index, uint64_t v) {
  switch (index) {
    case 0: asm volatile("mov %0, %%dr0" : : "r"(v)); break;
    case 1: asm volatile("mov %0, %%dr1" : : "r"(v)); break;
    case 2: asm volatile("mov %0, %%dr2" : : "r"(v)); break;
    case 3: asm volatile("mov %0, %%dr3" : : "r"(v)); break;
  }
}

inline void invlpg(uint64_t address) { asm volatile("invlpg (%0)" : : "r"(address) : "memory"); }

// Of one address space of guests (APM 3 INVLPGA).
inline void invlpga(uint64_t address, uint32_t asid) {
  asm volatile("invlpga %0, %1" : : "a"(address), "c"(asid) : "memory");
}

struct [[gnu::packed]] TableRegister {
  uint16_t limit;
  uint64_t base;
};
inline void lgdt(const TableRegister& r) { asm volatile("lgdt %0" : : "m"(r)); }
inline void lidt(const TableRegister& r) { asm volatile("lidt %0" : : "m"(r)); }
inline void lldt(uint16_t selector) { asm volatile("lldt %0" : : "r"(selector)); }

inline uint64_t read_tsc() {
  uint32_t low, high;
  asm volatile("rdtsc" : "=a"(low), "=d"(high));
  return uint64_t{high} << 32 | low;
}

inline void cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4]) {
  asm volatile("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3]) : "a"(leaf), "c"(subleaf));
}

inline uint64_t read_msr(uint32_t index) {
  uint32_t low, high;
  asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index));
  return uint64_t{high} << 32 | low;
}

inline void write_msr(uint32_t index, uint64_t v) {
  asm volatile("wrmsr" : : "c"(index), "a"(static_cast<uint32_t>(v)), "d"(static_cast<uint32_t>(v >> 32)) : "memory");
}

inline uint64_t stack_pointer() {
  uint64_t v;
  asm volatile("mov %%rsp, %0" : "=r"(v));
  return v;
}

// Compiler barrier: memory that the other world has changed is read again.
inline void barrier() { asm volatile("" : : : "memory"); }

}  // namespace ring1::monitor::hardware
