// SPDX-License-Identifier: GPL-2.0-only
// What ring 3 may not do, and that trying leaves no trace.
#include "cpu.h"
#include "tables.h"
#include "test.h"
#include "user.h"

using namespace guest;

namespace {

// Collected at ring 3, judged at ring 0: ring 3 has no ports.
constexpr unsigned kMax = 48;
struct Result {
  const char* name;
  Caught caught;
  uint32_t vector, error;
} results[kMax];
unsigned count;

void record(const char* name, const Caught& c, uint32_t vector, uint32_t error = 0) {
  if (count < kMax) results[count++] = Result{name, c, vector, error};
}

#define DENIED(code, ...) record(code, ATTEMPT(code, __VA_ARGS__), kGp)

uint8_t scratch[16];

void privileged() {
  DENIED("cli", :);
  DENIED("sti", :);
  DENIED("hlt", :);
  DENIED("inb $0x80, %%al", : : : "eax");
  DENIED("outb %%al, $0x80", :);
  DENIED("inl %%dx, %%eax", : : "d"(0xcfc) : "eax");
  DENIED("lgdt %0", : : "m"(scratch));
  DENIED("lidt %0", : : "m"(scratch));
  DENIED("lldt %%ax", : : "a"(0));
  DENIED("ltr %%ax", : : "a"(kTssSelector));
  DENIED("lmsw %%ax", : : "a"(1));
  DENIED("clts", :);
  DENIED("mov %%cr0, %%eax", : : : "eax");
  DENIED("mov %%eax, %%cr0", : : "a"(0x80000011));
  DENIED("mov %%cr2, %%eax", : : : "eax");
  DENIED("mov %%eax, %%cr3", : : "a"(0));
  DENIED("mov %%eax, %%cr4", : : "a"(0));
  DENIED("mov %%dr7, %%eax", : : : "eax");
  DENIED("mov %%eax, %%dr0", : : "a"(0));
  DENIED("invlpg (%%eax)", : : "a"(0x1000));
  DENIED("wbinvd", :);
  DENIED("invd", :);
  DENIED("rdmsr", : : "c"(0x10) : "eax", "edx");
  DENIED("wrmsr", : : "c"(0x10), "a"(0), "d"(0));
}

void segments_and_gates() {
  record("INT n through a DPL 0 gate", ATTEMPT("int $0x20", :), kGp, 0x20 * 8 + 2);
  record("INT 14 through a DPL 0 gate", ATTEMPT("int $14", :), kGp, 14 * 8 + 2);
  record("a DPL 0 data segment in DS", ATTEMPT("mov %%eax, %%ds", : : "a"(kData0)), kGp, kData0);
  record("a DPL 0 segment in SS", ATTEMPT("mov %%eax, %%ss", : : "a"(kData0)), kGp, kData0);
  record("RPL 0 in SS", ATTEMPT("mov %%eax, %%ss", : : "a"(kData3 & ~3)), kGp, kData3 & ~3u);
  record("a far jump to DPL 0", ATTEMPT("ljmp $8, $0x1234", :), kGp, kCode0);
  record("a far call to DPL 0", ATTEMPT("lcall $8, $0x1234", :), kGp, kCode0);
  record("IRET to ring 0", ATTEMPT("pushfl; pushl $8; pushl $0; iret", : : : "memory"), kGp, kCode0);
  record("a far return to ring 0", ATTEMPT("pushl $8; pushl $0; lret", : : : "memory"), kGp, kCode0);
}

uint32_t flags_after;
void flags() {
  asm volatile("pushl %1; popfl; pushfl; popl %0; pushl $2; popfl"
               : "=r"(flags_after)
               : "r"(kFlagIopl | kFlagId | kFlagCf | kFlagVm)
               : "cc", "memory");
}

uint32_t flags_after_iret;
void flags_by_iret() {
  asm volatile("pushl %1; pushl %%cs; pushl $1f; iret; 1: pushfl; popl %0; pushl $2; popfl"
               : "=r"(flags_after_iret)
               : "r"(kFlagIopl | kFlagDf | kFlagFixed)
               : "cc", "memory");
}

void ports_allowed() { record("a port that the bitmap allows", ATTEMPT("outb %%al, $0x80", :), kNoFault); }
void ports_denied() { record("its neighbour", ATTEMPT("outw %%ax, $0x80", :), kGp); }

void io_bitmap() {
  tss.io_map = static_cast<uint16_t>(reinterpret_cast<uint32_t>(tss.io_bits) - reinterpret_cast<uint32_t>(&tss));
  for (auto& byte : tss.io_bits) byte = 0xff;
  tss.io_bits[0x80 / 8] = 0xfe;
  run_user(ports_allowed);
  run_user(ports_denied);
  tss.io_map = sizeof tss;
}

void tsd_in_user() { record("RDTSC with CR4.TSD", ATTEMPT("rdtsc", : : : "eax", "edx"), kGp); }
void rdtsc_in_user() { record("RDTSC without", ATTEMPT("rdtsc", : : : "eax", "edx"), kNoFault); }

void iopl3() {
  record("CLI with IOPL 3", ATTEMPT("cli", :), kNoFault);
  flags_after = read_flags();
  record("STI with IOPL 3", ATTEMPT("sti", :), kNoFault);
  record("IN with IOPL 3", ATTEMPT("inb $0x80, %%al", : : : "eax"), kNoFault);
  record("HLT with IOPL 3", ATTEMPT("hlt", :), kGp);
  asm volatile("pushl $0x3002; popfl; pushfl; popl %0; sti" : "=r"(flags_after_iret) : : "cc", "memory");
}

}  // namespace

void run_tests() {
  run_user(privileged);
  run_user(segments_and_gates);
  io_bitmap();
  write_cr4(read_cr4() | kCr4Tsd);
  run_user(tsd_in_user);
  write_cr4(read_cr4() & ~kCr4Tsd);
  run_user(rdtsc_in_user);
  for (unsigned i = 0; i < count; ++i) {
    const Result& r = results[i];
    if (r.vector == kNoFault)
      expect_none(r.name, r.caught);
    else
      expect_fault(r.name, r.caught, r.vector, r.error, r.caught.offset);
    if (r.vector != kNoFault) check((r.caught.cs & 3) == 3, "  at CPL 3");
  }
  count = 0;

  constexpr uint32_t kMine = kFlagIopl | kFlagIf | kFlagVm | kFlagId | kFlagCf;
  run_user(flags, kFlagFixed | kFlagIf);
  expect_equal("POPF at ring 3 changes neither IF nor IOPL", flags_after & kMine, kFlagIf | kFlagId | kFlagCf);
  run_user(flags_by_iret, kFlagFixed | kFlagIf);
  expect_equal("nor does IRET", flags_after_iret & (kMine | kFlagDf), kFlagIf | kFlagDf);

  run_user(iopl3, kFlagFixed | kFlagIf | kFlagIopl);
  for (unsigned i = 0; i < count; ++i) {
    const Result& r = results[i];
    if (r.vector == kNoFault)
      expect_none(r.name, r.caught);
    else
      expect_fault(r.name, r.caught, r.vector, r.error);
  }
  expect_equal("CLI with IOPL 3 clears IF", flags_after & (kFlagIf | kFlagIopl), kFlagIopl);
  expect_equal("POPF with IOPL 3 clears IF", flags_after_iret & (kFlagIf | kFlagIopl), kFlagIopl);
  check(!(read_flags() & kFlagIf), "the kernel's IF is its own");
}
