// SPDX-License-Identifier: GPL-2.0-only
// 64-bit mode: exceptions and their stacks, paging of four levels, SYSCALL and SYSRET, SWAPGS and segment bases,
// interrupts.
#include "devices.h"
#include "io.h"
#include "kernel.h"

using namespace guest;

namespace {

constexpr uint64_t kHigh = 0xffff888000000000;

void mode() {
  expect_equal("EFER has LME and LMA", rdmsr(kMsrEfer) & (kEferLme | kEferLma), kEferLme | kEferLma);
  uint64_t value;
  asm volatile("movabsq $0x123456789abcdef0, %%r9; movl $-1, %%r9d; mov %%r9, %0" : "=r"(value) : : "r9");
  expect_equal("a 32-bit result clears the upper half", value, 0xffffffff);
  uint64_t rax = ~0ull & ~0xffffffffull, rbx = ~0ull, rcx = ~0ull << 32, rdx = ~0ull;
  asm volatile("cpuid" : "+a"(rax), "+b"(rbx), "+c"(rcx), "+d"(rdx));
  check(!(rax >> 32) && !(rbx >> 32) && !(rcx >> 32) && !(rdx >> 32), "CPUID clears the upper halves");
  rax = rdx = ~0ull;
  asm volatile("rdtsc" : "+a"(rax), "+d"(rdx));
  check(!(rax >> 32) && !(rdx >> 32), "  and RDTSC");
  rax = rdx = ~0ull;
  asm volatile("rdmsr" : "+a"(rax), "+d"(rdx) : "c"(kMsrEfer));
  check(!(rax >> 32) && !(rdx >> 32), "  and RDMSR");
  rax = ~0ull;
  asm volatile("inl $0x80, %%eax" : "+a"(rax));
  check(!(rax >> 32), "  and IN");
}

void exceptions() {
  Caught c = ATTEMPT("xorl %%ecx, %%ecx; divq %%rcx", : : "a"(1), "d"(0) : "rcx");
  expect_fault("#DE", c, kDe, 0, 2);
  c = ATTEMPT(".byte 0x06", :);
  expect_fault("#UD of PUSH ES", c, kUd);
  c = ATTEMPT("int3", :);
  expect_fault("#BP behind INT3", c, kBp, 0, 1);
  c = ATTEMPT("movq (%0), %%rax", : : "r"(kNotCanonical) : "rax");
  expect_fault("#GP of an address that is not canonical", c, kGp);
  c = ATTEMPT("mov %0, %%ds", : : "r"(0x1000));
  expect_fault("#GP of a selector beyond the GDT", c, kGp, 0x1000);
  c = ATTEMPT("int $0x90; nop", :);
  expect_fault("INT n", c, 0x90, 0, 2);
  c = ATTEMPT("pushfq; orl $0x100, (%%rsp); popfq; nop; nop", : : : "memory", "cc");
  expect_fault("#DB of a single step", c, kDb, 0, 10);

  // The frame is aligned to 16 bytes and always has SS and RSP (APM 2 8.9.3).
  c = ATTEMPT("subq $5, %%rsp; ud2", :);
  expect_equal("the frame of a crooked stack is aligned", (c.frame + sizeof(Frame)) & 15, 0);
  expect_equal("  and has RSP", c.rsp, attempt_rsp - 5);
  expect_equal("  and SS", c.ss, kData0);

  set_gate(kUd, 3, 0);
  c = ATTEMPT("ud2", :);
  expect_equal("a stack of the interrupt stack table", c.frame + sizeof(Frame), address_of(ist_stacks[2] + kIstBytes));
  expect_equal("  and the old RSP on it", c.rsp, attempt_rsp);
  set_gate(kUd, 0, 0);
  set_gate(kDf, 1, 0);
  c = ATTEMPT("movq %0, %%rsp; pushq %%rax", : : "r"(kNotCanonical));
  expect_fault("a double fault of a bad stack", c, kDf, 0, 3);
  expect_equal("  on its own stack", c.frame + sizeof(Frame), address_of(ist_stacks[0] + kIstBytes));
  set_gate(kDf, 0, 0);
}

void paging() {
  auto* page = static_cast<uint64_t*>(allocate_page());
  auto* other = static_cast<uint64_t*>(allocate_page());
  volatile uint64_t& entry = entry_of(kHigh);
  entry = address_of(page) | kP | kW;
  word_at(kHigh + 8) = 0x1122334455667788;
  expect_equal("a store through the upper half", page[1], 0x1122334455667788);
  expect_equal("  sets A and D", entry & (kA | kD), kA | kD);
  other[1] = 77;
  entry = address_of(other) | kP | kW;
  invlpg(kHigh);
  expect_equal("INVLPG", word_at(kHigh + 8), 77);
  entry = address_of(page) | kP | kW;
  write_cr3(read_cr3());
  expect_equal("a load of CR3", word_at(kHigh + 8), 0x1122334455667788);

  entry = 0;
  invlpg(kHigh);
  Caught c = ATTEMPT("movq (%0), %%rax", : : "r"(kHigh + 0x123) : "rax");
  expect_fault("not present", c, kPf, 0);
  expect_equal("  CR2", c.cr2, kHigh + 0x123);
  c = ATTEMPT("movq %%rax, (%0)", : : "r"(kHigh + (1ull << 39)) : "memory");
  expect_fault("nothing in the first level", c, kPf, kPfW);
  expect_equal("  CR2", c.cr2, kHigh + (1ull << 39));
  write_cr0(read_cr0() | 1u << 16);
  entry = address_of(page) | kP;
  invlpg(kHigh);
  c = ATTEMPT("movb $1, (%0)", : : "r"(kHigh) : "memory");
  expect_fault("read-only, with WP", c, kPf, kPfP | kPfW);
  write_cr0(read_cr0() & ~(1ull << 16));
  word_at(kHigh) = 5;
  expect_equal("  without WP", page[0], 5);
  wrmsr(kMsrEfer, rdmsr(kMsrEfer) | kEferNxe);
  *reinterpret_cast<volatile uint8_t*>(page) = 0xc3;
  entry = address_of(page) | kP | kNx;
  invlpg(kHigh);
  c = ATTEMPT("pushq $2f; jmp *%0", : : "r"(kHigh) : "memory");
  check(c.vector == kPf && c.error == (kPfP | kPfFetch) && c.rip == kHigh, "no execution");
  entry = address_of(page) | kP;
  invlpg(kHigh);
  c = ATTEMPT("call *%0", : : "r"(kHigh) : "memory");
  expect_equal("execution in the upper half", c.vector, kNoFault);
  entry = address_of(page) | kP | 1ull << 51;
  invlpg(kHigh);
  c = ATTEMPT("movq (%0), %%rax", : : "r"(kHigh) : "rax");
  // QEMU's TCG leaves P clear in the error code.
  check(c.vector == kPf && (c.error | kPfP) == (kPfP | kPfRsvd), "a reserved bit");

  entry = address_of(page) | kP | kW;
  invlpg(kHigh);
  static Caught user;
  run_user([] { user = ATTEMPT("movq (%0), %%rax", : : "r"(kHigh) : "rax"); });
  expect_fault("a supervisor page at ring 3", user, kPf, kPfP | kPfU);
  expect_equal("  SS of ring 3", user.ss, kData3);
  run_user([] { user = ATTEMPT("mov %%cr3, %%rax", : : : "rax"); });
  expect_fault("MOV CR3 at ring 3", user, kGp);

  volatile uint64_t& large = entry_of(kHigh + (2u << 20), 2);
  large = (32u << 20) | kP | kW | kLarge;
  word_at(kHigh + (2u << 20) + 0x12340) = 99;
  expect_equal("a page of 2 MiB", word_at((32u << 20) + 0x12340), 99);
  expect_equal("  sets A and D", large & (kA | kD), kA | kD);
}

uint64_t user_sum;
constexpr unsigned kCalls = 2000;

extern "C" void syscall_entry();
extern "C" uint64_t syscall_seen[4], syscall_count;
uint64_t syscall_seen[4], syscall_count;
// RAX: what the kernel answers. It keeps RCX and R11, which SYSRET takes.
asm(".text; .balign 16; syscall_entry:"
    "  incq syscall_count; mov %rcx, syscall_seen; mov %r11, syscall_seen+8;"
    "  pushfq; popq syscall_seen+16; xorl %edx, %edx; mov %cs, %edx; mov %rdx, syscall_seen+24;"
    "  cmpl $0x1000, %eax; je 1f; leaq 7(%rax), %rax; sysretq;"
    "1: movl $compat_code, %ecx; sysretl;"
    ".code32; compat_code:"  // in compatibility mode: INC EAX has one byte
    "  movl $0xff, %eax; .byte 0x40; int $0x82; .code64");
uint64_t compat_cs, compat_rax;

void refuses_not_canonical(const char* name, uint32_t msr) {
  const uint64_t before = rdmsr(msr);
  const Caught c = ATTEMPT("wrmsr", : : "c"(msr), "a"(0), "d"(static_cast<uint32_t>(kNotCanonical >> 32)));
  if (c.vector == kNoFault)
    skip(name, "this processor takes any address");
  else
    expect_fault(name, c, kGp);
  wrmsr(msr, before);
}

void system_calls() {
  Caught c = ATTEMPT("syscall", : : : "rcx", "r11", "memory");
  expect_fault("SYSCALL without SCE", c, kUd);
  wrmsr(kMsrEfer, rdmsr(kMsrEfer) | kEferSce);
  wrmsr(kMsrStar, uint64_t{kCompat3} << 48 | uint64_t{kCode0} << 32);
  wrmsr(kMsrLstar, reinterpret_cast<uint64_t>(syscall_entry));
  wrmsr(kMsrSfmask, kFlagIf | kFlagDf);
  expect_equal("LSTAR", rdmsr(kMsrLstar), reinterpret_cast<uint64_t>(syscall_entry));
  refuses_not_canonical("LSTAR refuses what is not canonical", kMsrLstar);
  run_user(
      [] {
        for (uint64_t i = 0; i < kCalls; ++i) {
          uint64_t rax = i << 32 | 0x80;
          asm volatile("syscall" : "+a"(rax) : : "rcx", "rdx", "r11", "memory");
          user_sum += rax == (i << 32 | 0x87);
        }
      },
      kFlagFixed | kFlagIf);
  expect_equal("SYSCALL from ring 3", syscall_count, kCalls);
  expect_equal("  its results", user_sum, kCalls);
  expect_equal("  flags in R11", syscall_seen[1] & (kFlagIf | kFlagFixed), kFlagIf | kFlagFixed);
  expect_equal("  SFMASK clears IF", syscall_seen[2] & kFlagIf, 0);
  expect_equal("  CS", syscall_seen[3], kCode0);
  set_gate(0x82, 0, 3);
  set_handler(0x82, [](Frame& frame) {
    compat_cs = frame.cs;
    compat_rax = frame.rax;
    frame.cs = kCode3;
    frame.rip = syscall_seen[0];
  });
  run_user(
      [] {
        uint64_t rax = 0x1000;
        asm volatile("syscall" : "+a"(rax) : : "rcx", "rdx", "r11", "memory", "cc");
      },
      kFlagFixed);
  expect_equal("SYSRET into 32-bit code", compat_cs, kCompat3);
  expect_equal("  which runs as such", compat_rax, 0x100);
}

void bases() {
  static uint64_t here[2] = {111, 222}, there[2] = {333, 444};
  uint64_t value;
  wrmsr(kMsrFsBase, address_of(here));
  asm volatile("movq %%fs:8, %0" : "=r"(value));
  expect_equal("FS base", value, 222);
  wrmsr(kMsrGsBase, address_of(here));
  wrmsr(kMsrKernelGsBase, address_of(there));
  asm volatile("swapgs; movq %%gs:0, %0" : "=r"(value));
  expect_equal("SWAPGS", value, 333);
  expect_equal("  GS base", rdmsr(kMsrGsBase), address_of(there));
  expect_equal("  the other one", rdmsr(kMsrKernelGsBase), address_of(here));
  asm volatile("swapgs; movq %%gs:8, %0" : "=r"(value));
  expect_equal("  and back", value, 222);
  wrmsr(kMsrGsBase, kHigh);
  expect_equal("a GS base in the upper half", rdmsr(kMsrGsBase), kHigh);
  refuses_not_canonical("FS base refuses what is not canonical", kMsrFsBase);
  asm volatile("mov %0, %%fs" ::"r"(uint32_t{kData0}));
  expect_equal("a selector loads the descriptor's base", rdmsr(kMsrFsBase), 0);
  static Caught user;
  run_user([] { user = ATTEMPT("swapgs", :); });
  expect_fault("SWAPGS at ring 3", user, kGp);
}

volatile unsigned ticks;

void interrupts() {
  set_handler(kPitVector, [](Frame&) {
    ticks = ticks + 1;
    pic_eoi(0);
  });
  pic_unmask(0);
  pit_start(kPitHz / 1000, 2);
  while (ticks < 10) asm volatile("sti; hlt; cli" ::: "memory");
  check(ticks >= 10, "interrupts end HLT");
  ticks = 0;
  set_gate(kPitVector, 5, 0);
  run_user(
      [] {
        while (ticks < 5) {}
      },
      kFlagFixed | kFlagIf);
  check(ticks >= 5, "  and break in on ring 3, on a stack of the table");
  pic_mask_all();
}

}  // namespace

void run_tests() {
  mode();
  exceptions();
  paging();
  system_calls();
  bases();
  interrupts();
}
