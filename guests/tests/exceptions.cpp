// SPDX-License-Identifier: GPL-2.0-only
// Every exception an instruction can raise without paging: vector, error code, saved EIP.
#include "cpu.h"
#include "tables.h"
#include "test.h"
#include "user.h"

using namespace guest;

namespace {

void arithmetic() {
  expect_fault("#DE by zero", ATTEMPT("divl %%ecx", : : "c"(0), "a"(1), "d"(0) : "cc"), kDe);
  expect_fault("#DE of an overflow", ATTEMPT("divl %%ecx", : : "c"(1), "a"(1), "d"(2) : "cc"), kDe);
  const int32_t bounds[2] = {1, 2};
  expect_fault("#BR", ATTEMPT("boundl %%eax, %0", : : "m"(bounds), "a"(5)), kBr);
  expect_none("BOUND inside", ATTEMPT("boundl %%eax, %0", : : "m"(bounds), "a"(2)));
}

void software() {
  expect_fault("INT3 saves the next EIP", ATTEMPT("int3", :), kBp, 0, 1);
  expect_fault("INT 3 in two bytes", ATTEMPT(".byte 0xcd, 3", :), kBp, 0, 2);
  expect_fault("INTO with OF", ATTEMPT("movb $0x7f, %%al; incb %%al; into", : : : "eax", "cc"), kOf, 0, 5);
  expect_none("INTO without OF", ATTEMPT("xorl %%eax, %%eax; into", : : : "eax", "cc"));
  expect_fault("INT n", ATTEMPT("int $0x45", :), 0x45, 0, 2);
  expect_fault("INT 255", ATTEMPT("int $0xff", :), 0xff, 0, 2);
}

void undefined() {
  expect_fault("UD2", ATTEMPT("ud2", :), kUd);
  expect_fault("LOCK on a register", ATTEMPT(".byte 0xf0, 0x01, 0xc0", :), kUd);
  expect_fault("MOV to CS", ATTEMPT(".byte 0x8e, 0xc8", : : "a"(kCode0)), kUd);
  expect_fault("LEA of a register", ATTEMPT(".byte 0x8d, 0xc0", : : : "eax"), kUd);
}

void fpu() {
  const uint32_t cr0 = read_cr0();
  write_cr0((cr0 & ~kCr0Em) | kCr0Ts | kCr0Mp);
  expect_fault("#NM with TS", ATTEMPT("fnop", :), kNm);
  expect_fault("#NM of WAIT", ATTEMPT("fwait", :), kNm);
  write_cr0((cr0 & ~(kCr0Ts | kCr0Mp)) | kCr0Em);
  expect_fault("#NM with EM", ATTEMPT("fnop", :), kNm);
  write_cr0((cr0 & ~(kCr0Ts | kCr0Em)) | kCr0Ne);
  expect_none("FPU without either", ATTEMPT("fninit", :));
  const uint16_t unmask_zero_divide = 0x37b;
  asm volatile("fldcw %0; fld1; fldz; fdivrp" : : "m"(unmask_zero_divide));
  expect_fault("#MF at the waiting instruction", ATTEMPT("fwait", :), kMf);
  asm volatile("fnclex; fninit");
  write_cr0(cr0);
}

void segment_errors() {
  set_descriptor(spare(0), 0, 0xfffff, kTypeData & ~kPresent, kSize32 | kPages);
  expect_fault("#NP names the selector", ATTEMPT("movl %%eax, %%es", : : "a"(spare(0))), kNp, spare(0));
  expect_fault("#SS for an absent stack", ATTEMPT("movl %%eax, %%ss", : : "a"(spare(0))), kSs, spare(0));
  expect_fault("#GP beyond the GDT", ATTEMPT("movl %%eax, %%es", : : "a"(kGdtBytes)), kGp, kGdtBytes);
  expect_fault("#GP for a null SS", ATTEMPT("movl %%eax, %%ss", : : "a"(0)), kGp, 0);
  expect_fault("#GP for a selector of an LDT that is not there", ATTEMPT("movl %%eax, %%es", : : "a"(0xc)), kGp, 0xc);
  expect_fault("#TS of IRET with NT and no link",
               ATTEMPT("pushfl; orl $0x4000, (%%esp); popfl; iret",
                       :
                       :
                       : "cc", "memory"),
               kTs, 0, 9);
}

void gates() {
  set_gate_type(0x50, kTypeInterruptGate & ~kPresent);
  expect_fault("#NP for an absent gate", ATTEMPT("int $0x50", :), kNp, 0x50 * 8 + 2);
  set_gate_type(0x50, kTypeCallGate);
  expect_fault("#GP for a gate of the wrong type", ATTEMPT("int $0x50", :), kGp, 0x50 * 8 + 2);
  lidt({0x50 * 8 - 1, reinterpret_cast<uint32_t>(idt)});
  expect_fault("#GP beyond the IDT", ATTEMPT("int $0x50", :), kGp, 0x50 * 8 + 2);
  lidt({sizeof idt - 1, reinterpret_cast<uint32_t>(idt)});
  idt[0x50] = make_gate(kData0, 0, kTypeInterruptGate);
  expect_fault("#GP for a gate to data", ATTEMPT("int $0x50", :), kGp, kData0);
  idt[0x50] = make_gate(0, 0, kTypeInterruptGate);
  expect_fault("#GP for a gate to null", ATTEMPT("int $0x50", :), kGp, 0);
  set_gate_type(0x50, kTypeInterruptGate);
}

// The frame tells the flags as they were; the gate clears IF and TF but not DF (the stub does that).
uint32_t flags_in_handler;
void gate_kinds() {
  set_handler(0x51, [](Frame&) { flags_in_handler = read_flags(); });
  sti();
  asm volatile("int $0x51" ::: "memory");
  check(!(flags_in_handler & kFlagIf), "an interrupt gate clears IF");
  set_gate_type(0x51, kTypeTrapGate);
  asm volatile("int $0x51" ::: "memory");
  check(flags_in_handler & kFlagIf, "a trap gate keeps IF");
  check(read_flags() & kFlagIf, "IRET restores IF");
  cli();
  const Caught c = ATTEMPT("stc; std; ud2", : : : "cc");
  asm volatile("cld");
  check((c.eflags & (kFlagCf | kFlagDf | kFlagIf)) == (kFlagCf | kFlagDf), "the frame has the flags of the fault");
}

volatile uint32_t unaligned[2];
void user_alignment() {
  asm volatile("pushfl; orl $0x40000, (%%esp); popfl" ::: "cc", "memory");
  const auto* address = reinterpret_cast<const uint8_t*>(const_cast<const uint32_t*>(unaligned)) + 1;
  (void)ATTEMPT("movl (%0), %%eax", : : "r"(address) : "eax", "memory");
}

void alignment() {
  write_cr0(read_cr0() | kCr0Am);
  run_user(user_alignment);
  write_cr0(read_cr0() & ~kCr0Am);
  if (caught().vector == kNoFault)
    skip("#AC", "this processor checks no alignment");
  else
    expect_fault("#AC", caught(), kAc, 0);
}

// An instruction that CR4 has not turned on, or CPUID does not show, is undefined for a kernel as well.
void not_offered() {
  constexpr unsigned kSmap = 20;
  expect_fault("GETSEC without CR4.SMXE", ATTEMPT(".byte 0x0f, 0x37", : : "a"(0)), kUd);
  expect_fault("XGETBV without CR4.OSXSAVE", ATTEMPT(".byte 0x0f, 0x01, 0xd0", : : "c"(0) : "eax", "edx"), kUd);
  expect_fault("SERIALIZE", ATTEMPT(".byte 0x0f, 0x01, 0xe8", :), kUd);
  expect_fault("INVLPGB", ATTEMPT(".byte 0x0f, 0x01, 0xfe", : : "a"(0), "c"(0), "d"(0)), kUd);
  expect_fault("TLBSYNC", ATTEMPT(".byte 0x0f, 0x01, 0xff", :), kUd);
  expect_fault("PVALIDATE", ATTEMPT(".byte 0xf2, 0x0f, 0x01, 0xff", : : "a"(0), "c"(0), "d"(0)), kUd);
  expect_fault("TDCALL", ATTEMPT(".byte 0x66, 0x0f, 0x01, 0xcc", :), kUd);
  expect_fault("SETSSBSY without CR4.CET", ATTEMPT(".byte 0xf3, 0x0f, 0x01, 0xe8", :), kUd);
  expect_fault("MOVDIRI", ATTEMPT(".byte 0x0f, 0x38, 0xf9, 0x01", : : "a"(0), "c"(0x500)), kUd);
  expect_none("RDSSPD is a hint", ATTEMPT(".byte 0xf3, 0x0f, 0x1e, 0xc8", : : "a"(0)));
  if (!option("engine=bare") && !option("engine=ring1"))
    return skip("STAC without SMAP", "AMD-V and VT-x have no intercept: it is as the processor has it");
  if (cpuid(0).eax >= 7 && cpuid(7).ebx >> kSmap & 1) return skip("STAC without SMAP", "this processor has it");
  expect_fault("STAC without SMAP", ATTEMPT(".byte 0x0f, 0x01, 0xcb", :), kUd);
}

}  // namespace

void run_tests() {
  arithmetic();
  software();
  undefined();
  not_offered();
  fpu();
  segment_errors();
  gates();
  gate_kinds();
  alignment();
}
