// SPDX-License-Identifier: GPL-2.0-only
// What single operations cost, in ticks of the time-stamp counter: lines "BENCH: name: ticks". An emulator that counts
// instructions makes one tick of each (ICOUNT=1 of the harness).
#include "cpu.h"
#include "devices.h"
#include "pages.h"
#include "print.h"
#include "tables.h"
#include "test.h"
#include "user.h"

using namespace guest;

namespace {

constexpr unsigned kRounds = 5;
unsigned count = 200;
constexpr uint32_t kAbsent = 0x7fc00000, kElsewhere = 0x7f800000;
constexpr unsigned kTimerVector = 0x60;
uint32_t cost_of_nothing;

// The best round counts: the others had the host's timer in them.
template <class Operation>
uint32_t best_of(Operation operation) {
  uint32_t best = ~0u;
  for (unsigned round = 0; round < kRounds; ++round) {
    const uint32_t ticks = operation();
    if (ticks < best) best = ticks;
  }
  return best;
}

void report(const char* name, uint32_t ticks) { print("BENCH: %s: %u\n", name, ticks); }

// `code` so often, in one loop around the two reads of the counter, with EBX and EDI as given and ECX free. The loop
// itself does not count.
#define LOOP(code, ebx_in, edi_in)                                   \
  best_of([] {                                                       \
    uint32_t left = count, ebx = (ebx_in), ecx = 0, edi = (edi_in); \
    const uint64_t begin = rdtsc();                                  \
    asm volatile("1:\t" code "\n\tdecl %%esi\n\tjnz 1b"              \
                 : "+S"(left), "+b"(ebx), "+c"(ecx), "+D"(edi)       \
                 :                                                   \
                 : "eax", "edx", "memory", "cc");                    \
    return static_cast<uint32_t>(rdtsc() - begin) / count;          \
  })
#define BENCH(name, code) report(name, LOOP(code, 0, 0) - cost_of_nothing)

// From ring 3, where the loop is.
uint32_t user_ticks;
void user_system_calls() { user_ticks = LOOP("int $0x80", 0, 0); }

void user_fast_calls() {
  user_ticks = LOOP(
      "pushl %%esi; pushl %%ebp; movl %%esp, %%ebp; sysenter; .globl bench_back; bench_back: popl %%ebp; popl %%esi", 0,
      0);
}

extern "C" uint32_t bench_stack[256];
uint32_t bench_stack[256];
extern "C" void bench_call();
extern "C" void bench_fast_call();
asm(".text; bench_call: iret;"
    "bench_fast_call: movl %ebp, %ecx; movl $bench_back, %edx; sti; sysexit");

// The gate leads straight to this IRET: no handler of ours is measured.
void plain_gate(unsigned vector, void (*handler)(), uint8_t type) {
  *const_cast<volatile uint64_t*>(&idt[vector]) = make_gate(kCode0, reinterpret_cast<uint32_t>(handler), type);
}

void system_calls() {
  plain_gate(0x80, bench_call, kTypeTrapGate | kDpl3);
  run_user(user_system_calls, kFlagFixed | kFlagIf);
  report("system call, INT 0x80 and IRET", user_ticks - cost_of_nothing);
  if (!has_edx(kCpuidSep)) return;
  wrmsr(kMsrSysenterCs, kCode0);
  wrmsr(kMsrSysenterEsp, reinterpret_cast<uint32_t>(bench_stack + 256));
  wrmsr(kMsrSysenterEip, reinterpret_cast<uint32_t>(bench_fast_call));
  run_user(user_fast_calls, kFlagFixed | kFlagIf);
  report("system call, SYSENTER and SYSEXIT", user_ticks - cost_of_nothing);
}

// Drops the error code and goes on behind MOV EAX, [moffs].
extern "C" void bench_fault();
asm(".text; bench_fault: addl $4, %esp; addl $5, (%esp); iret");

void memory() {
  static volatile uint32_t* entry;
  static uint32_t values[2];
  TwoLevel tables;
  tables.identity(32u << 20, kPteP | kPteW | kPteU);
  tables.map(kElsewhere, 16u << 20, kPteP | kPteW);
  tables.map(kAbsent, 0, 0);
  entry = &tables.pte(kElsewhere);
  values[0] = *entry;
  values[1] = (17u << 20) | kPteP | kPteW;
  paging_on(tables.cr3());
  plain_gate(kPf, bench_fault, kTypeInterruptGate);
  BENCH("page fault, with handler and IRET", "movl 0x7fc00000, %%eax");
  set_gate_type(kPf, kTypeInterruptGate);
  // Only what has been used is in shadow page tables and traced, and what is only written no more, soon.
  (void)*reinterpret_cast<volatile uint32_t*>(kElsewhere);
#define OTHER_ENTRY "movl %%esi, %%eax; andl $1, %%eax; movl (%%edi, %%eax, 4), %%eax; movl %%eax, (%%ebx)"
  report("write of a page-table entry, unused in between",
         LOOP(OTHER_ENTRY, address_of(entry), address_of(values)) - cost_of_nothing);
  report("write of an entry, INVLPG, access",
         LOOP(OTHER_ENTRY "; invlpg 0x7f800000; movl 0x7f800000, %%eax", address_of(entry), address_of(values)) -
             cost_of_nothing);
  BENCH("INVLPG", "invlpg 0x7f800000");
  BENCH("load of CR3", "movl %%cr3, %%eax; movl %%eax, %%cr3");
  paging_off();
}

void instructions() {
  BENCH("CPUID", "xorl %%eax, %%eax; cpuid");
  BENCH("RDTSC", "rdtsc");
  BENCH("IN, the system control port", "inb $0x61, %%al");
  BENCH("IN, the serial port's line status", "movl $0x3fd, %%edx; inb %%dx, %%al");
  BENCH("CLI and STI", "cli; sti; cli");
}

// The timer's interrupt is pending already; HLT, the interrupt, its handler with EOI.
void halts() {
  if (!has_edx(kCpuidApic)) return;
  set_handler(kTimerVector, [](Frame&) { apic(kApicEoi) = 0; });
  apic(kApicSvr) = kApicEnabled | 0xff;
  apic(kApicDivide) = kApicDivideBy1;
  apic(kApicTimer) = kTimerVector;
  const auto nothing = best_of([] {
    const uint64_t begin = rdtsc();
    return static_cast<uint32_t>(rdtsc() - begin);
  });
  const auto ticks = best_of([] {
    apic(kApicInitial) = 1;
    while (!(apic(kApicIrr + 0x10 * (kTimerVector / 32)) & 1u << kTimerVector % 32)) {}
    const uint64_t begin = rdtsc();
    asm volatile("sti; hlt; cli" ::: "memory");
    return static_cast<uint32_t>(rdtsc() - begin);
  });
  report("HLT with the timer's interrupt pending", ticks - nothing);
}

}  // namespace

void run_tests() {
  // For a look at where the instructions go: one kind, and long enough.
  const bool all = !option("instructions") && !option("calls") && !option("memory") && !option("halts");
  if (option("long")) count = 100'000;
  cost_of_nothing = LOOP("", 0, 0);
  if (all || option("instructions")) instructions();
  if (all || option("calls")) system_calls();
  if (all || option("memory")) memory();
  if (all || option("halts")) halts();
  check(true, "measured");
}
