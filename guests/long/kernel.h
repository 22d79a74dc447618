// SPDX-License-Identifier: GPL-2.0-only
// A tiny 64-bit kernel for tests: results, exceptions, single instructions. Everything below 4 GiB is mapped where it
// is.
#pragma once

#include <stdint.h>

// Every test image defines this; the library prints the final line when it returns.
void run_tests();

namespace guest {

enum : uint16_t {
  kCode0 = 0x08,
  kData0 = 0x10,
  kCompat3 = 0x18 | 3,
  kData3 = 0x20 | 3,
  kCode3 = 0x28 | 3,
  kTssSelector = 0x30
};
enum : uint32_t {
  kDe = 0,
  kDb = 1,
  kBp = 3,
  kUd = 6,
  kNm = 7,
  kDf = 8,
  kNp = 11,
  kSs = 12,
  kGp = 13,
  kPf = 14,
  kNoFault = 0xffffffff,
};
inline constexpr uint32_t kMsrEfer = 0xc0000080, kMsrStar = 0xc0000081, kMsrLstar = 0xc0000082, kMsrSfmask = 0xc0000084;
inline constexpr uint32_t kMsrFsBase = 0xc0000100, kMsrGsBase = 0xc0000101, kMsrKernelGsBase = 0xc0000102;
inline constexpr uint64_t kEferSce = 1, kEferLme = 1u << 8, kEferLma = 1u << 10, kEferNxe = 1u << 11;
inline constexpr uint64_t kFlagFixed = 2, kFlagTf = 0x100, kFlagIf = 0x200, kFlagDf = 0x400;
inline constexpr uint64_t kNotCanonical = 0x0000800000000000;

// What the stubs of vectors.S leave on the stack.
struct Frame {
  uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
  uint64_t vector, error;
  uint64_t rip, cs, rflags, rsp, ss;
};

using Handler = void (*)(Frame&);
void set_handler(unsigned vector, Handler handler);  // null: the default
void set_gate(unsigned vector, unsigned ist, unsigned dpl);

inline constexpr unsigned kIstBytes = 0x1000;
extern uint8_t ist_stacks[7][kIstBytes];  // of IST 1 to 7

struct Caught {
  uint64_t vector, error;
  uint64_t offset;  // of the saved RIP from the start of the attempt
  uint64_t rip, cs, rflags, rsp, ss, cr2;
  uint64_t frame;  // where the frame lay
};

extern "C" {
extern volatile uint64_t attempt_start, attempt_resume, attempt_rsp;
extern Caught attempt_caught;
}

// Runs `code`; an exception in it ends it there. The rest is what follows an asm statement's template, beginning with
// its first colon. RSP is put back. Works at any CPL.
#define ATTEMPT(code, ...)                          \
  ({                                                \
    guest::attempt_caught.vector = guest::kNoFault; \
    asm volatile("" ::: "memory");                  \
    asm volatile(                                   \
        "movq $1f, attempt_start\n\t"               \
        "movq %%rsp, attempt_rsp\n\t"               \
        "movq $2f, attempt_resume\n"                \
        "1:\t" code                                 \
        "\n"                                        \
        "2:\tmovq attempt_rsp, %%rsp\n\t"           \
        "movq $0, attempt_resume" __VA_ARGS__);     \
    asm volatile("" ::: "memory");                  \
    guest::attempt_caught;                          \
  })

bool check(bool ok, const char* name);
bool expect_equal(const char* name, uint64_t value, uint64_t expected);
bool expect_fault(const char* name, const Caught& caught, uint32_t vector, uint32_t error = 0, uint64_t offset = 0);
void skip(const char* name, const char* reason);
[[noreturn]] void finish();

// Runs the function at ring 3 and comes back.
void run_user(void (*function)(), uint64_t rflags = kFlagFixed);

// 4-KiB pages of physical memory from 16 MiB on, zeroed; the address is the pointer.
void* allocate_page();
// A mapping of 4 levels; the entries on the way are made for all rings. The leaf has these flags.
volatile uint64_t& entry_of(uint64_t va, unsigned level = 1);
inline constexpr uint64_t kP = 1, kW = 2, kU = 4, kA = 0x20, kD = 0x40, kLarge = 0x80, kNx = 1ull << 63;
inline constexpr uint32_t kPfP = 1, kPfW = 2, kPfU = 4, kPfRsvd = 8, kPfFetch = 16;

inline void cli() { asm volatile("cli" ::: "memory"); }
inline uint64_t rdmsr(uint32_t index) {
  uint32_t low, high;
  asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index));
  return uint64_t{high} << 32 | low;
}
inline void wrmsr(uint32_t index, uint64_t v) {
  asm volatile("wrmsr" ::"c"(index), "a"(static_cast<uint32_t>(v)), "d"(static_cast<uint32_t>(v >> 32)) : "memory");
}
inline void invlpg(uint64_t va) { asm volatile("invlpg (%0)" ::"r"(va) : "memory"); }
inline uint64_t read_cr2() {
  uint64_t v;
  asm volatile("mov %%cr2, %0" : "=r"(v));
  return v;
}
inline uint64_t read_cr3() {
  uint64_t v;
  asm volatile("mov %%cr3, %0" : "=r"(v));
  return v;
}
inline void write_cr3(uint64_t v) { asm volatile("mov %0, %%cr3" ::"r"(v) : "memory"); }
inline uint64_t read_cr0() {
  uint64_t v;
  asm volatile("mov %%cr0, %0" : "=r"(v));
  return v;
}
inline void write_cr0(uint64_t v) { asm volatile("mov %0, %%cr0" ::"r"(v) : "memory"); }
inline uint64_t read_cr4() {
  uint64_t v;
  asm volatile("mov %%cr4, %0" : "=r"(v));
  return v;
}
inline uint64_t read_cr8() {
  uint64_t v;
  asm volatile("mov %%cr8, %0" : "=r"(v));
  return v;
}
inline void write_cr8(uint64_t v) { asm volatile("mov %0, %%cr8" ::"r"(v) : "memory"); }
inline uint64_t address_of(const volatile void* p) { return reinterpret_cast<uint64_t>(p); }
inline volatile uint64_t& word_at(uint64_t va) { return *reinterpret_cast<volatile uint64_t*>(va); }
inline volatile uint32_t& dword_at(uint64_t va) { return *reinterpret_cast<volatile uint32_t*>(va); }

}  // namespace guest
