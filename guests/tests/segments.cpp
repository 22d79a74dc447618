// SPDX-License-Identifier: GPL-2.0-only
// Segment registers: loads, hidden parts, limits, call gates, questions.
#include <initializer_list>

#include "cpu.h"
#include "tables.h"
#include "test.h"
#include "user.h"

using namespace guest;

namespace {

alignas(16) volatile uint32_t words[64];
const uint32_t kBase = reinterpret_cast<uint32_t>(words);

uint32_t read_fs_at(uint32_t offset) {
  uint32_t v;
  asm volatile("movl %%fs:(%1), %0" : "=r"(v) : "r"(offset) : "memory");
  return v;
}
uint32_t read_gs_at(uint32_t offset) {
  uint32_t v;
  asm volatile("movl %%gs:(%1), %0" : "=r"(v) : "r"(offset) : "memory");
  return v;
}

void bases() {
  for (unsigned i = 0; i < 64; ++i) words[i] = 0x1000 + i;
  set_descriptor(spare(0), kBase, 0xff, kTypeData);
  set_descriptor(spare(1), kBase + 16, 0xff, kTypeData);
  check(!(type_byte(spare(0)) & kAccessed), "not accessed before the load");
  write_fs(spare(0));
  write_gs(spare(1));
  check(type_byte(spare(0)) & kAccessed, "a load sets the Accessed bit");
  expect_equal("FS has its base", read_fs_at(4), 0x1001);
  expect_equal("GS has its own", read_gs_at(4), 0x1005);
  expect_equal("FS reads back", read_fs(), spare(0));
  // The hidden part stays although the descriptor goes (SDM 3A 3.4.3).
  set_descriptor(spare(0), kBase + 32, 0xff, kTypeData);
  expect_equal("FS keeps its base when the descriptor changes", read_fs_at(4), 0x1001);
  set_handler(0x60, [](Frame&) {});
  asm volatile("int $0x60");
  // IRET's POP FS has loaded the new descriptor.
  expect_equal("and takes the new one when it is loaded again", read_fs_at(4), 0x1009);
  write_fs(0);
  const Caught c = ATTEMPT("nop; movl %%fs:0, %%eax", : : : "eax");
  if (c.vector == kNoFault)
    skip("an access through a null FS", "this processor does not check it");
  else
    expect_fault("an access through a null FS", c, kGp, 0, 1);
  write_fs(kData0);
  write_gs(kData0);
}

void pushes_and_pops() {
  uint32_t image;
  asm volatile("pushl $-1; addl $4, %%esp; pushl %%ds; popl %0" : "=r"(image) : : "memory");
  expect_equal("PUSH DS in 32 bits", image & 0xffff, kData0);
  uint32_t before, after;
  asm volatile("movl %%esp, %0; pushw %%es; movl %%esp, %1; popw %%es" : "=&r"(before), "=&r"(after) : : "memory");
  expect_equal("PUSHW ES takes two bytes", before - after, 2);
  asm volatile("pushl %1; popl %%gs; movl %%gs, %0" : "=r"(image) : "r"(0xffff0000u | spare(1)) : "memory");
  expect_equal("POP GS takes the lower half", image & 0xffff, spare(1));
  uint32_t cs;
  asm volatile("pushl %%cs; popl %0" : "=r"(cs));
  expect_equal("PUSH CS", cs & 0xffff, kCode0);
  asm volatile("movl %%cs, %0" : "=r"(cs));
  expect_equal("MOV r32, CS is zero-extended", cs, kCode0);
  asm volatile("movl %%ss, %0" : "=r"(cs));
  expect_equal("MOV r32, SS", cs, kData0);
  volatile struct __attribute__((packed)) {
    uint32_t offset;
    uint16_t selector;
  } pointer = {0x1234, spare(1)};
  uint32_t offset;
  asm volatile("lfs %1, %0" : "=r"(offset) : "m"(pointer));
  expect_equal("LFS gives the offset", offset, 0x1234);
  expect_equal("and loads FS", read_fs(), spare(1));
  pointer.selector = kGdtBytes;
  expect_fault("LGS of a bad selector", ATTEMPT("lgs %0, %%eax", : : "m"(pointer) : "eax"), kGp, kGdtBytes);
  asm volatile("movl %%esp, %0; movw %%ss, 4+%0; lss %0, %%esp" : "=m"(*(volatile uint64_t*)&words[0]) : : "memory");
  check(true, "LSS of the present stack");
  write_fs(kData0);
  write_gs(kData0);
}

void bad_loads() {
  set_descriptor(spare(2), 0, 0xfffff, kTypeExecuteOnly, kSize32 | kPages);
  set_descriptor(spare(3), 0, 0xfffff, kTypeReadOnly, kSize32 | kPages);
  set_descriptor(spare(4), 0, 0xfffff, kTypeData & ~kPresent, kSize32 | kPages);
  expect_fault("execute-only code in DS", ATTEMPT("mov %%eax, %%ds", : : "a"(spare(2))), kGp, spare(2));
  expect_fault("read-only data in SS", ATTEMPT("mov %%eax, %%ss", : : "a"(spare(3))), kGp, spare(3));
  expect_fault("a TSS in ES", ATTEMPT("mov %%eax, %%es", : : "a"(kTssSelector)), kGp, kTssSelector);
  expect_fault("RPL 3 in SS at CPL 0", ATTEMPT("mov %%eax, %%ss", : : "a"(kData3)), kGp, kData3 & ~3u);
  expect_fault("DPL 0 with RPL 3 in DS", ATTEMPT("mov %%eax, %%ds", : : "a"(kData0 | 3)), kGp, kData0);
  expect_fault("an absent segment by POP", ATTEMPT("pushl %%eax; popl %%es", : : "a"(spare(4))), kNp, spare(4), 1);
  expect_fault("a far jump to data", ATTEMPT("ljmp %0, $0", : : "i"(kData0)), kGp, kData0);
  expect_fault("a far jump to null", ATTEMPT("ljmp $0, $0", :), kGp, 0);
  expect_fault("a far jump to ring 3", ATTEMPT("ljmp %0, $0", : : "i"(kCode3)), kGp, kCode3 & ~3u);
  expect_none("a ring-3 data segment at CPL 0", ATTEMPT("mov %%eax, %%es; mov %%ss, %%eax; mov %%eax, %%es",
                                                        :
                                                        : "a"(kData3)));
}

void limits() {
  set_descriptor(spare(0), kBase, 15, kTypeData);
  write_fs(spare(0));
  expect_none("the last bytes inside a limit", ATTEMPT("movl %%fs:12, %%eax", : : : "eax"));
  const Caught c = ATTEMPT("movl %%fs:13, %%eax", : : : "eax");
  if (c.vector == kNoFault) {
    write_fs(kData0);
    return skip("limits, types and null segments of data accesses", "this processor does not check them");
  }
  expect_fault("one byte beyond a limit", c, kGp, 0);
  expect_fault("a write beyond", ATTEMPT("movb $0, %%fs:16", :), kGp, 0);
  expect_fault("far beyond", ATTEMPT("movl %%fs:0x7fffffff, %%eax", : : : "eax"), kGp, 0);
  set_descriptor(spare(0), kBase, 15, kTypeReadOnly);
  write_fs(spare(0));
  expect_fault("a write to a read-only segment", ATTEMPT("movl $0, %%fs:0", :), kGp, 0);
  set_descriptor(spare(0), kBase - 0x1000, 0xfff, kTypeDown);
  write_fs(spare(0));
  expect_none("above the limit of an expand-down segment", ATTEMPT("movl %%fs:0x1000, %%eax", : : : "eax"));
  expect_fault("below it", ATTEMPT("movl %%fs:0xffc, %%eax", : : : "eax"), kGp, 0);
  write_fs(0);
  expect_fault("a null segment", ATTEMPT("movl %%fs:0, %%eax", : : : "eax"), kGp, 0);
  write_fs(kData0);
}

// A call gate without and with a change of level, with parameters.
extern "C" volatile uint32_t gate_cs, gate_parameter, gate_ss;
volatile uint32_t gate_cs, gate_parameter, gate_ss;
extern "C" void gate_target();
asm(".text; gate_target:"
    "  movw %cs, %ss:gate_cs; movw %ss, %ss:gate_ss; movl 8(%esp), %eax; movl %eax, %ss:gate_parameter; lret $4");

void call_the_gate() { asm volatile("pushl $0x5678; lcall %0, $0" ::"i"(kFirstSpare + 8 * 5 + 3) : "eax", "memory"); }

void call_gates() {
  gdt[spare(5) / 8] = make_gate(kCode0, reinterpret_cast<uint32_t>(gate_target), kTypeCallGate | kDpl3, 1);
  asm volatile("pushl $0x1234; lcall %0, $0" ::"i"(kFirstSpare + 8 * 5) : "eax", "memory");
  expect_equal("a call gate at CPL 0 leaves the stack alone", gate_parameter, 0x1234);
  expect_equal("  and goes to its CS", gate_cs & 0xffff, kCode0);
  run_user(call_the_gate);
  expect_equal("a call gate from ring 3 copies the parameter", gate_parameter, 0x5678);
  expect_equal("  and loads the inner SS", gate_ss & 0xffff, kData0);
  set_descriptor(spare(6), 0, 0xfffff, kTypeConforming, kSize32 | kPages);
  uint32_t cs;
  asm volatile("ljmp %1, $1f; 1: movl %%cs, %0; ljmp %2, $2f; 2:" : "=r"(cs) : "i"(kFirstSpare + 8 * 6), "i"(kCode0));
  expect_equal("a conforming segment at CPL 0", cs, spare(6));
}

bool lar(uint16_t selector, uint32_t* rights) {
  bool ok;
  asm volatile("lar %2, %1; setz %0" : "=q"(ok), "+r"(*rights) : "r"(uint32_t{selector}) : "cc");
  return ok;
}
bool lsl(uint16_t selector, uint32_t* limit) {
  bool ok;
  asm volatile("lsl %2, %1; setz %0" : "=q"(ok), "+r"(*limit) : "r"(uint32_t{selector}) : "cc");
  return ok;
}
bool verr(uint16_t s) {
  bool ok;
  asm volatile("verr %1; setz %0" : "=q"(ok) : "r"(s) : "cc");
  return ok;
}
bool verw(uint16_t s) {
  bool ok;
  asm volatile("verw %1; setz %0" : "=q"(ok) : "r"(s) : "cc");
  return ok;
}

void questions() {
  uint32_t value = 0;
  check(lar(kCode3, &value), "LAR of code");
  expect_equal("  its rights", value & 0xf0fe00, 0xc0fa00);
  check(lsl(kData0, &value), "LSL of data");
  expect_equal("  its limit", value, 0xffffffff);
  check(lsl(kTssSelector, &value) && value == sizeof tss - 1, "LSL of the TSS");
  check(lar(kTssSelector, &value) && (value & 0xff00) == 0x8b00, "LAR of the TSS says busy");
  value = 77;
  check(!lar(0, &value) && value == 77, "LAR of null leaves the register");
  check(!lar(kGdtBytes, &value), "LAR beyond the GDT");
  check(!lsl(spare(5), &value), "LSL of a call gate");
  check(verr(kCode0) && verr(kData0) && !verr(spare(2)) && !verr(kTssSelector), "VERR");
  check(verw(kData0) && !verw(kCode0) && !verw(spare(3)), "VERW");
  uint16_t selector = 0x10;
  bool zf;
  asm volatile("arpl %w2, %w1; setz %0" : "=q"(zf), "+r"(selector) : "r"(3) : "cc");
  check(zf && selector == 0x13, "ARPL raises RPL");
  asm volatile("arpl %w2, %w1; setz %0" : "=q"(zf), "+r"(selector) : "r"(2) : "cc");
  check(!zf && selector == 0x13, "ARPL does not lower it");
}

}  // namespace

void run_tests() {
  bases();
  pushes_and_pops();
  bad_loads();
  limits();
  call_gates();
  questions();
}
