// SPDX-License-Identifier: GPL-2.0-only
// Hardware tasks: jumps, calls, returns, and the double fault that has a task of its own.
#include "cpu.h"
#include "pages.h"
#include "tables.h"
#include "test.h"

using namespace guest;

namespace {

constexpr uint16_t kOther = kFirstSpare, kGate = kFirstSpare + 8;
Tss other;
alignas(16) uint8_t other_stack[4096];

extern "C" volatile uint32_t task_seen[8];
volatile uint32_t task_seen[8];
extern "C" volatile uint32_t old_stack;
volatile uint32_t old_stack;
extern "C" Tss* const task_tss;
Tss* const task_tss = &tss;
extern "C" void task_entry();
extern "C" void task_faulted();
asm(".text; task_entry: movl %ebx, task_seen; strw task_seen + 4; pushfl; popl task_seen + 8;"
    "  movl %cr0, %eax; movl %eax, task_seen + 12; movl $0x1234, %ebx; iret;"
    "  incl task_seen + 16; iret;"  // the second time it continues here
    // The double fault's task: it gives the interrupted one a stack that works.
    "task_faulted: popl task_seen + 20; movl %cr2, %eax; movl %eax, task_seen + 24;"
    "  movl old_stack, %eax; movl task_tss, %edx; movl %eax, 0x38(%edx); iret; jmp task_faulted");

void make_task(void (*entry)()) {
  other = Tss{};
  other.eip = reinterpret_cast<uint32_t>(entry);
  other.eflags = kFlagFixed;
  other.esp = reinterpret_cast<uint32_t>(other_stack + sizeof other_stack);
  other.ebx = 0x5678;
  other.es = other.ss = other.ds = other.fs = other.gs = kData0;
  other.cs = kCode0;
  other.cr3 = read_cr3();
  other.io_map = sizeof other;
  set_descriptor(kOther, reinterpret_cast<uint32_t>(&other), 0x67, kTypeTss, 0);
}

void calls() {
  make_task(task_entry);
  asm volatile("movl $0x9999, %%ebx; lcall %0, $0; movl %%ebx, task_seen + 28"
               :
               : "i"(kOther)
               : "eax", "ebx", "memory", "cc");
  expect_equal("a call to a task loads its registers", task_seen[0], 0x5678);
  expect_equal("  and TR", task_seen[1] & 0xffff, kOther);
  check(task_seen[2] & kFlagNt, "  and sets NT");
  check(task_seen[3] & kCr0Ts, "  and TS");
  expect_equal("IRET brings ours back", task_seen[7], 0x9999);
  expect_equal("  back link", other.link, kTssSelector);
  uint16_t tr;
  asm volatile("str %0" : "=r"(tr));
  expect_equal("  TR", tr, kTssSelector);
  check(!(read_flags() & kFlagNt), "  NT is clear again");
  expect_equal("  the other is available", type_byte(kOther), kTypeTss);
  expect_equal("  ours is busy", type_byte(kTssSelector), kTypeTss + 2);
  asm volatile("clts");
  gdt[kGate / 8] = make_gate(kOther, 0, kTypeTaskGate);
  asm volatile("lcall %0, $0" : : "i"(kGate) : "eax", "ebx", "memory", "cc");
  expect_equal("through a task gate it goes on behind its IRET", task_seen[4], 1);
  asm volatile("clts");
}

void errors() {
  set_descriptor(kOther, reinterpret_cast<uint32_t>(&other), 0x66, kTypeTss, 0);
  expect_fault("a TSS that is too short", ATTEMPT("lcall %0, $0", : : "i"(kOther)), kTs, kOther);
  set_descriptor(kOther, reinterpret_cast<uint32_t>(&other), 0x67, kTypeTss & ~kPresent, 0);
  expect_fault("an absent TSS", ATTEMPT("ljmp %0, $0", : : "i"(kOther)), kNp, kOther);
  expect_fault("a jump to the busy TSS", ATTEMPT("ljmp %0, $0", : : "i"(kTssSelector)), kGp, kTssSelector);
}

// As Linux does on i386: the stack is lost, only another task can tell.
void double_fault() {
  make_task(task_faulted);
  set_descriptor(kOther, reinterpret_cast<uint32_t>(&other), 0x67, kTypeTss, 0);
  idt[kDf] = make_gate(kOther, 0, kTypeTaskGate);
  TwoLevel t;
  t.identity(32u << 20, kPteP | kPteW);
  other.cr3 = t.cr3();
  tss.cr3 = t.cr3();  // a switch loads CR3 and never saves it
  constexpr uint32_t kVa = 0x40000000;
  t.map(kVa, 0, 0);
  paging_on(t.cr3());
  asm volatile("movl %%esp, old_stack; movl %0, %%esp; pushl %%eax; movl old_stack, %%esp"
               :
               : "r"(kVa + 0x100)
               : "memory");
  asm volatile("clts");
  paging_off();
  expect_equal("a double fault's error code", task_seen[5], 0);
  expect_equal("  CR2 tells the page fault", task_seen[6], kVa + 0xfc);
  check(true, "  and its task repaired the stack");
}

}  // namespace

void run_tests() {
  calls();
  errors();
  double_fault();
}
