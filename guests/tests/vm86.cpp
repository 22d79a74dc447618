// SPDX-License-Identifier: GPL-2.0-only
// Virtual-8086 mode: entry by IRET, what traps, what the kernel finds on its stack.
#include <initializer_list>

#include "cpu.h"
#include "tables.h"
#include "test.h"

using namespace guest;

extern "C" void enter_vm86(uint32_t eip, uint32_t cs, uint32_t esp, uint32_t ss, uint32_t eflags);
extern "C" void resume_kernel();
asm(".text; enter_vm86: pushal; movl %esp, kernel_esp; movl %esp, %ebp;"
    "  pushl $0x4444; pushl $0x3333; pushl $0x600; pushl $0x2222;"  // GS FS DS ES
    "  pushl 48(%ebp); pushl 44(%ebp); pushl 52(%ebp); pushl 40(%ebp); pushl 36(%ebp); iret");

namespace {

constexpr uint32_t kCode = 0x8000, kData = 0x6000;
volatile uint32_t& data(uint32_t offset) { return *reinterpret_cast<volatile uint32_t*>(kData + offset); }

void put(const uint8_t* bytes, unsigned count) {
  for (unsigned i = 0; i < count; ++i) *reinterpret_cast<volatile uint8_t*>(kCode + i) = bytes[i];
}

Frame seen;
unsigned faults;
void leave(Frame& f) {
  seen = f;
  ++faults;
  resume_kernel();
}

template <unsigned N>
void run(const uint8_t (&bytes)[N], uint32_t flags = 0) {
  put(bytes, N);
  faults = 0;
  enter_vm86(0, kCode >> 4, 0x1000, 0x700, kFlagVm | kFlagFixed | flags);
}

}  // namespace

void run_tests() {
  for (unsigned vector : {kUd, kGp, kDe, kBp, kOf}) set_handler(vector, leave);

  // mov ax,cs; mov [0],ax; mov ax,ds; mov [2],ax; add dword [4],1; push 0x1234; pop [8]; mov bx,es; mov [12],bx; ud2
  data(4) = 41;
  run({0x8c, 0xc8, 0xa3, 0,    0,    0x8c, 0xd8, 0xa3, 2,    0,    0x66, 0x83, 0x06, 4,    0,   1,
       0x68, 0x34, 0x12, 0x8f, 0x06, 8,    0,    0x8c, 0xc3, 0x89, 0x1e, 12,   0,    0x0f, 0x0b});
  expect_equal("CS and DS", data(0), 0x600 << 16 | kCode >> 4);
  expect_equal("an addition in memory", data(4), 42);
  expect_equal("the stack", data(8) & 0xffff, 0x1234);
  expect_equal("ES", data(12) & 0xffff, 0x2222);
  expect_equal("the exception", seen.vector, kUd);
  expect_equal("  IP", seen.eip, 29);
  expect_equal("  CS", seen.cs, kCode >> 4);
  check(seen.eflags & kFlagVm, "  VM in the flags");
  expect_equal("  SS", seen.ss, 0x700);
  expect_equal("  SP", seen.esp, 0x1000);
  expect_equal("  ES", seen.vm86_es, 0x2222);
  expect_equal("  DS", seen.vm86_ds, 0x600);
  expect_equal("  FS", seen.vm86_fs, 0x3333);
  expect_equal("  GS", seen.vm86_gs, 0x4444);
  expect_equal("  DS is null in the handler's frame", seen.ds, 0);
  expect_equal("  GS too", seen.gs, 0);

  struct {
    const char* name;
    uint8_t bytes[4];
  } const sensitive[] = {{"CLI", {0xfa}},
                         {"STI", {0xfb}},
                         {"PUSHF", {0x9c}},
                         {"POPF", {0x9d}},
                         {"INT n", {0xcd, 0x60}},
                         {"IRET", {0xcf}},
                         {"HLT", {0xf4}},
                         {"MOV CR0", {0x0f, 0x20, 0xc0}},
                         {"LGDT", {0x0f, 0x01, 0x16, 0}},
                         {"IN without a bitmap", {0xe4, 0x80}}};
  for (const auto& s : sensitive) {
    run(s.bytes);
    check(seen.vector == kGp && seen.error == 0 && seen.eip == 0, "%s with IOPL 0 traps", s.name);
  }
  run({0x0f, 0x00, 0xc0, 0x90});
  check(seen.vector == kUd && seen.eip == 0, "SLDT is undefined");

  // With IOPL 3: cli; pushf; pop ax; mov [0],ax; sti; pushf; pop ax; mov [2],ax; ud2
  run({0xfa, 0x9c, 0x58, 0xa3, 0, 0, 0xfb, 0x9c, 0x58, 0xa3, 2, 0, 0x0f, 0x0b}, kFlagIopl);
  expect_equal("with IOPL 3 CLI works", data(0) & kFlagIf, 0);
  expect_equal("  STI too", data(0) >> 16 & kFlagIf, kFlagIf);
  check(seen.eflags & kFlagIf, "  the kernel sees it");

  // xor bx,bx; div bx
  run({0x31, 0xdb, 0xf7, 0xf3});
  check(seen.vector == kDe && seen.eip == 2, "#DE");

  // mov cx,1000; 1: inc ax; loop 1b; ud2
  run({0x31, 0xc0, 0xb9, 0xe8, 0x03, 0x40, 0xe2, 0xfd, 0x0f, 0x0b});
  expect_equal("a loop", seen.eax & 0xffff, 1000);
  // far jump to the same byte under another CS: jmp 0x7ff:0x15 ; nops; ud2 at 0x8005
  run({0xea, 0x15, 0x00, 0xff, 0x07, 0x0f, 0x0b});
  check(seen.cs == 0x7ff && seen.eip == 0x15, "a far jump");
  for (unsigned i = 0; i < 500; ++i) run({0x0f, 0x0b});
  check(true, "500 times there and back");
}
