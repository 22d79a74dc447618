// SPDX-License-Identifier: GPL-2.0-only
// RF in the flags that an event pushes (SDM 3B 17.3.1.1; APM 2 8.9): set by a fault, whoever finds it, as its
// instruction would otherwise meet the same breakpoint again; as it was by INT n and traps.
#include "cpu.h"
#include "io.h"
#include "pages.h"
#include "tables.h"
#include "test.h"

using namespace guest;

namespace {

constexpr uint32_t kIdentity = 32u << 20, kAbsent = 0x1f00000;

void fault(const char* name, const Caught& c, uint32_t vector) {
  check(c.vector == vector && (c.eflags & kFlagRf), "%s: vector %u, flags 0x%x", name, c.vector, c.eflags);
}

// One that the processor finds by itself.
void own_fault(const char* name, const Caught& c, uint32_t vector) {
  if (c.vector == vector && !(c.eflags & kFlagRf) && !option("engine=ring1"))
    skip(name, "QEMU 7.2 pushes RF for no fault");
  else
    fault(name, c, vector);
}

// One that a hypervisor finds, as it executes the instruction.
void intercepted(const char* name, const Caught& c, uint32_t vector) {
  if (option("engine=bare")) return own_fault(name, c, vector);
  fault(name, c, vector);
}

void no_fault(const char* name, const Caught& c, uint32_t vector) {
  check(c.vector == vector && !(c.eflags & kFlagRf), "%s: vector %u, flags 0x%x", name, c.vector, c.eflags);
}

void without_paging() {
  own_fault("#UD", ATTEMPT("ud2", :), kUd);
  own_fault("#DE", ATTEMPT("divl %%ecx", : : "c"(0), "a"(1), "d"(0) : "cc"), kDe);
  own_fault("#GP of a segment register", ATTEMPT("movl %%eax, %%ss", : : "a"(0)), kGp);
  // What hypervisors intercept and find themselves.
  const Caught msr = ATTEMPT("rdmsr", : : "c"(0x0badcafe) : "eax", "edx");
  if (msr.vector == kNoFault)
    skip("#GP of an unknown MSR", "this processor reads it as something");
  else
    intercepted("#GP of an unknown MSR", msr, kGp);
  if (option("engine=bare"))
    skip("#GP of a control register", "QEMU 7.2 never gets out of that instruction");
  else
    fault("#GP of a control register", ATTEMPT("movl %%eax, %%cr4", : : "a"(read_cr4() | 1u << 30)), kGp);
  own_fault("#UD of a control register", ATTEMPT(".byte 0x0f, 0x22, 0xc8", : : "a"(0)), kUd);
}

void with_paging() {
  TwoLevel tables;
  tables.identity(kIdentity, kPteP | kPteW);
  tables.pte(kAbsent) = 0;
  paging_on(tables.cr3());
  own_fault("#PF of a store", ATTEMPT("movl %%eax, (%%edi)", : : "a"(0), "D"(kAbsent) : "memory"), kPf);
  own_fault("#PF of LGDT", ATTEMPT("lgdt (%%edi)", : : "D"(kAbsent)), kPf);
  intercepted("#PF of INS", ATTEMPT("cld; insb", : : "d"(0x21), "D"(kAbsent) : "memory", "cc"), kPf);
  paging_off();
}

void others() {
  no_fault("INT3", ATTEMPT("int3", :), kBp);
  no_fault("INTO", ATTEMPT("movb $0x7f, %%al; incb %%al; into", : : : "eax", "cc"), kOf);
  no_fault("INT n", ATTEMPT("int $0x45", :), 0x45);
  no_fault("#DB of a single step", ATTEMPT("pushfl; orl $0x100, (%%esp); popfl; nop", : : : "cc", "memory"), kDb);
}

}  // namespace

void run_tests() {
  without_paging();
  with_paging();
  others();
}
