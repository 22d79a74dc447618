// SPDX-License-Identifier: GPL-2.0-only
// Single instructions as functions.
#pragma once

#include <stdint.h>

namespace guest {

inline constexpr uint32_t kFlagCf = 1, kFlagFixed = 2, kFlagPf = 4, kFlagAf = 0x10, kFlagZf = 0x40, kFlagSf = 0x80;
inline constexpr uint32_t kFlagTf = 0x100, kFlagIf = 0x200, kFlagDf = 0x400, kFlagOf = 0x800, kFlagIopl = 0x3000;
inline constexpr uint32_t kFlagNt = 0x4000, kFlagRf = 0x10000, kFlagVm = 0x20000, kFlagAc = 0x40000;
inline constexpr uint32_t kFlagId = 0x200000;
inline constexpr uint32_t kCr0Pe = 1, kCr0Mp = 2, kCr0Em = 4, kCr0Ts = 8, kCr0Et = 16, kCr0Ne = 32, kCr0Wp = 1u << 16;
inline constexpr uint32_t kCr0Am = 1u << 18, kCr0Nw = 1u << 29, kCr0Cd = 1u << 30, kCr0Pg = 1u << 31;
inline constexpr uint32_t kCr4Vme = 1, kCr4Pvi = 2, kCr4Tsd = 4, kCr4De = 8, kCr4Pse = 16, kCr4Pae = 32, kCr4Pge = 128,
                          kCr4Osfxsr = 512;
inline constexpr uint32_t kMsrApicBase = 0x1b, kMsrSysenterCs = 0x174, kMsrSysenterEsp = 0x175;
inline constexpr uint32_t kMsrSysenterEip = 0x176, kMsrEfer = 0xc0000080, kEferNxe = 1u << 11;

inline void cli() { asm volatile("cli" ::: "memory"); }
inline void sti() { asm volatile("sti" ::: "memory"); }
inline void halt() { asm volatile("hlt" ::: "memory"); }
inline void pause() { asm volatile("pause" ::: "memory"); }

inline uint32_t read_flags() {
  uint32_t v;
  asm volatile("pushfl; popl %0" : "=r"(v));
  return v;
}
inline void write_flags(uint32_t v) { asm volatile("pushl %0; popfl" ::"r"(v) : "memory", "cc"); }

#define RING1_GUEST_REGISTER(name)                 \
  inline uint32_t read_##name() {                  \
    uint32_t v;                                    \
    asm volatile("mov %%" #name ", %0" : "=r"(v)); \
    return v;                                      \
  }                                                \
  inline void write_##name(uint32_t v) { asm volatile("mov %0, %%" #name ::"r"(v) : "memory"); }
RING1_GUEST_REGISTER(cr0)
RING1_GUEST_REGISTER(cr2)
RING1_GUEST_REGISTER(cr3)
RING1_GUEST_REGISTER(cr4)
RING1_GUEST_REGISTER(dr0)
RING1_GUEST_REGISTER(dr1)
RING1_GUEST_REGISTER(dr2)
RING1_GUEST_REGISTER(dr3)
RING1_GUEST_REGISTER(dr6)
RING1_GUEST_REGISTER(dr7)
#undef RING1_GUEST_REGISTER

#define RING1_GUEST_SEGMENT(name)                  \
  inline uint16_t read_##name() {                  \
    uint16_t v;                                    \
    asm volatile("mov %%" #name ", %0" : "=r"(v)); \
    return v;                                      \
  }                                                \
  inline void write_##name(uint16_t v) { asm volatile("mov %0, %%" #name ::"r"(v) : "memory"); }
RING1_GUEST_SEGMENT(ds)
RING1_GUEST_SEGMENT(es)
RING1_GUEST_SEGMENT(fs)
RING1_GUEST_SEGMENT(gs)
RING1_GUEST_SEGMENT(ss)
#undef RING1_GUEST_SEGMENT
inline uint16_t read_cs() {
  uint16_t v;
  asm volatile("mov %%cs, %0" : "=r"(v));
  return v;
}

struct __attribute__((packed)) TablePointer {
  uint16_t limit;
  uint32_t base;
};
inline void lgdt(const TablePointer& p) { asm volatile("lgdt %0" ::"m"(p) : "memory"); }
inline void lidt(const TablePointer& p) { asm volatile("lidt %0" ::"m"(p) : "memory"); }
inline TablePointer sgdt() {
  TablePointer p{};
  asm volatile("sgdt %0" : "=m"(p));
  return p;
}
inline TablePointer sidt() {
  TablePointer p{};
  asm volatile("sidt %0" : "=m"(p));
  return p;
}
inline void ltr(uint16_t s) { asm volatile("ltr %0" ::"r"(s) : "memory"); }
inline void lldt(uint16_t s) { asm volatile("lldt %0" ::"r"(s) : "memory"); }

inline void invlpg(const void* p) { asm volatile("invlpg (%0)" ::"r"(p) : "memory"); }
inline uint64_t rdtsc() {
  uint64_t v;
  asm volatile("rdtsc" : "=A"(v));
  return v;
}
inline uint64_t rdmsr(uint32_t index) {
  uint64_t v;
  asm volatile("rdmsr" : "=A"(v) : "c"(index));
  return v;
}
inline void wrmsr(uint32_t index, uint64_t v) { asm volatile("wrmsr" ::"c"(index), "A"(v) : "memory"); }

struct Cpuid {
  uint32_t eax, ebx, ecx, edx;
};
inline Cpuid cpuid(uint32_t leaf, uint32_t subleaf = 0) {
  Cpuid r;
  asm volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
  return r;
}
inline bool has_edx(unsigned bit) { return cpuid(1).edx >> bit & 1; }
inline bool has_nx() { return cpuid(0x80000000).eax >= 0x80000001 && (cpuid(0x80000001).edx >> 20 & 1); }
inline constexpr unsigned kCpuidVme = 1, kCpuidPse = 3, kCpuidPae = 6, kCpuidApic = 9, kCpuidSep = 11, kCpuidPge = 13;

}  // namespace guest
