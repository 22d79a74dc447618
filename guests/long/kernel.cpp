// SPDX-License-Identifier: GPL-2.0-only
#include "kernel.h"

#include "devices.h"
#include "io.h"
#include "print.h"

namespace guest {

namespace {

constexpr uint16_t kDebugExit = 0xf4;  // QEMU's isa-debug-exit: its exit code is (value << 1) | 1
constexpr unsigned kVectors = 256, kStubBytes = 16, kStackBytes = 0x4000;
constexpr unsigned kLeaveVector = 0x81;
uint32_t passed, failed;
Handler handlers[kVectors];
alignas(16) uint8_t interrupt_stack[kStackBytes], user_stack[kStackBytes];

struct __attribute__((packed)) Tss {
  uint32_t reserved;
  uint64_t rsp[3], reserved2, ist[7], reserved3;
  uint16_t reserved4, io_map;
};
alignas(128) Tss tss;
struct Gate {
  uint64_t low, high;
};
alignas(16) Gate idt[kVectors];
// Null; 64-bit code, data; 32-bit code, data and 64-bit code for ring 3, in the order SYSRET wants; TSS.
alignas(16) uint64_t gdt[] = {
    0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00cffb000000ffff, 0x00cff3000000ffff, 0x00affb000000ffff, 0, 0};

struct __attribute__((packed)) TablePointer {
  uint16_t limit;
  uint64_t base;
};

void print_hex(uint64_t value) {
  if (value >> 32)
    print("0x%x%08x", static_cast<uint32_t>(value >> 32), static_cast<uint32_t>(value));
  else
    print("0x%x", static_cast<uint32_t>(value));
}

bool result(bool ok, const char* name) {
  ++(ok ? passed : failed);
  print("%s: %s", ok ? "PASS" : "FAIL", name);
  return ok;
}

void describe(const char* what, uint64_t vector, uint64_t error, uint64_t offset) {
  print("%s vector ", what);
  print_hex(vector);
  print(" error ");
  print_hex(error);
  print(" at +");
  print_hex(offset);
}

void tables_init() {
  const uint64_t base = address_of(&tss);
  gdt[6] = (sizeof tss - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56;
  gdt[7] = base >> 32;
  tss.rsp[0] = address_of(interrupt_stack + kStackBytes);
  for (unsigned i = 0; i < 7; ++i) tss.ist[i] = address_of(ist_stacks[i] + kIstBytes);
  tss.io_map = sizeof tss;
  for (unsigned vector = 0; vector < kVectors; ++vector) set_gate(vector, 0, 0);
  const TablePointer gdtr = {sizeof gdt - 1, address_of(gdt)}, idtr = {sizeof idt - 1, address_of(idt)};
  asm volatile("lgdt %0; lidt %1; ltr %w2" ::"m"(gdtr), "m"(idtr), "r"(kTssSelector) : "memory");
  asm volatile("pushq %0; pushq $1f; lretq; 1:" ::"i"(kCode0) : "memory");
  asm volatile("mov %0, %%ss; mov %0, %%ds; mov %0, %%es" ::"r"(uint32_t{kData0}) : "memory");
}

}  // namespace

extern "C" uint8_t vector_stubs[];
extern "C" uint64_t top_table[];
extern "C" void enter_user(uint64_t rip, uint64_t rsp, uint64_t rflags, uint64_t cs, uint64_t ss);
extern "C" [[noreturn]] void resume_kernel();

extern "C" {
volatile uint64_t attempt_start, attempt_resume, attempt_rsp;
Caught attempt_caught;
}
alignas(16) uint8_t ist_stacks[7][kIstBytes];

void set_handler(unsigned vector, Handler handler) { handlers[vector] = handler; }

void set_gate(unsigned vector, unsigned ist, unsigned dpl) {
  const uint64_t stub = address_of(vector_stubs) + kStubBytes * vector;
  idt[vector].high = stub >> 32;
  idt[vector].low = (stub & 0xffff) | uint64_t{kCode0} << 16 | uint64_t{ist} << 32 | (0x8eull | dpl << 5) << 40 |
                    (stub >> 16 & 0xffff) << 48;
  asm volatile("" ::: "memory");
}

bool check(bool ok, const char* name) {
  result(ok, name);
  print("\n");
  return ok;
}

bool expect_equal(const char* name, uint64_t value, uint64_t expected) {
  const bool ok = result(value == expected, name);
  if (!ok) {
    print(": ");
    print_hex(value);
    print(" instead of ");
    print_hex(expected);
  }
  print("\n");
  return ok;
}

bool expect_fault(const char* name, const Caught& caught, uint32_t vector, uint32_t error, uint64_t offset) {
  const bool ok = result(caught.vector == vector && caught.error == error && caught.offset == offset, name);
  if (!ok) {
    describe(":", caught.vector, caught.error, caught.offset);
    describe(" instead of", vector, error, offset);
  }
  print("\n");
  return ok;
}

void skip(const char* name, const char* reason) { print("SKIP: %s: %s\n", name, reason); }

void finish() {
  cli();
  print("%u passed, %u failed\n", passed, failed);
  outl(kDebugExit, failed != 0);
  for (;;) asm volatile("hlt");
}

extern "C" void guest_dispatch(Frame& frame) {
  if (handlers[frame.vector]) return handlers[frame.vector](frame);
  if (!attempt_resume) {
    check(false, "unexpected exception");
    describe("", frame.vector, frame.error, frame.rip);
    print(" cr2 ");
    print_hex(read_cr2());
    print("\n");
    finish();
  }
  attempt_caught = {frame.vector,      frame.error, frame.rip - attempt_start,
                    frame.rip,         frame.cs,    frame.rflags,
                    frame.rsp,         frame.ss,    frame.vector == kPf ? read_cr2() : 0,
                    address_of(&frame)};
  frame.rip = attempt_resume;
  frame.rsp = attempt_rsp;
  frame.rflags &= ~kFlagTf;
  attempt_resume = 0;
}

void run_user(void (*function)(), uint64_t rflags) {
  set_gate(kLeaveVector, 0, 3);
  set_handler(kLeaveVector, [](Frame&) { resume_kernel(); });
  static void (*const leave)() = [] { asm volatile("int %0" ::"i"(kLeaveVector)); };
  auto* top = reinterpret_cast<uint64_t*>(user_stack + kStackBytes) - 3;
  *top = reinterpret_cast<uint64_t>(leave);
  enter_user(reinterpret_cast<uint64_t>(function), address_of(top), rflags, kCode3, kData3);
}

void* allocate_page() {
  static uint64_t next = 16u << 20;
  auto* page = reinterpret_cast<uint64_t*>(next);
  next += 4096;
  for (unsigned i = 0; i < 512; ++i) page[i] = 0;
  return page;
}

volatile uint64_t& entry_of(uint64_t va, unsigned level) {
  volatile uint64_t* table = top_table;
  for (unsigned at = 4; at > level; --at) {
    volatile uint64_t& entry = table[va >> (12 + 9 * (at - 1)) & 511];
    if (!(entry & kP)) entry = address_of(allocate_page()) | kP | kW | kU;
    table = reinterpret_cast<volatile uint64_t*>(entry & 0x000ffffffffff000);
  }
  return table[va >> (12 + 9 * (level - 1)) & 511];
}

extern "C" void guest_start() {
  serial_init();
  tables_init();
  pic_init();
  run_tests();
  finish();
}

}  // namespace guest
