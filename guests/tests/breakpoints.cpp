// SPDX-License-Identifier: GPL-2.0-only
// Hardware breakpoints (SDM 3B 17.2, 17.3.1) on what the kernel and user code do in their various ways: straight,
// called, repeated, behind a port, and next to memory that the processor or a monitor might use for itself.
#include "cpu.h"
#include "tables.h"
#include "test.h"
#include "user.h"

using namespace guest;

namespace {

constexpr uint32_t kBs = 1u << 14, kFixed = 0x400, kDe = 1u << 3;
enum : uint32_t { kOnCode = 0, kOnWrite = 1, kOnPort = 2, kOnAccess = 3 };
constexpr unsigned kMax = 32;
volatile uint32_t hits, eips[kMax], sixes[kMax], ecxs[kMax];

void on_debug(Frame& f) {
  if (hits < kMax) {
    eips[hits] = f.eip;
    sixes[hits] = read_dr6();
    ecxs[hits] = f.ecx;
  }
  hits = hits + 1;
  write_dr6(0);
  f.eflags |= kFlagRf;
  if (hits >= kMax) write_dr7(kFixed);
}

void set_address(unsigned n, uint32_t address) {
  switch (n) {
    case 0: return write_dr0(address);
    case 1: return write_dr1(address);
    case 2: return write_dr2(address);
    case 3: return write_dr3(address);
  }
}
constexpr uint32_t control(unsigned n, uint32_t kind, unsigned size) {
  return (kind | (size == 8 ? 2 : size - 1) << 2) << (16 + 4 * n) | 1u << (2 * n);
}
void arm(unsigned n, const volatile void* address, uint32_t kind, unsigned size = 1) {
  hits = 0;
  set_address(n, reinterpret_cast<uint32_t>(address));
  write_dr6(0);
  write_dr7(kFixed | control(n, kind, size));
}
void disarm() { write_dr7(kFixed); }

void expect_hit(const char* name, const void* eip, unsigned n = 0) {
  if (!expect_equal(name, hits, 1)) return;
  expect_equal("  where", eips[0], reinterpret_cast<uint32_t>(eip));
  expect_equal("  DR6", sixes[0] & 0xe00f, 1u << n);
}

extern "C" {
volatile uint32_t watched[8];
uint32_t stack_words[64];
void site_store(), site_push(), site_call(), site_return(), site_pushf(), site_callm(), site_jumpm(), site_stos();
void site_read(), site_mixed(), site_loop(), site_user(), site_return3(), site_port(), site_target();
extern const uint8_t after_store[], call_target[], return_place[], after_pushf[], callm_target[], jumpm_target[];
extern const uint8_t stos_itself[], after_stos[], after_read[], mixed_cli[], mixed_cpuid[], mixed_add[], mixed_inside[];
extern const uint8_t loop_body[], user_place[], after_user[], return_place3[], after_pop3[], after_port[], push_after[];
volatile uint32_t target_pointer;
}

// EAX: what they work on. Each returns by RET on a stack of its own kind.
asm(R"(.text
site_store: nop; movl $5, watched+4; after_store: nop; ret
# On a stack of the test's: EDX keeps ESP.
.macro on_stack
  movl %esp, %edx
  movl $stack_words+128, %esp
.endm
.macro off_stack
  movl %edx, %esp
.endm
site_push: on_stack; pushl $7; push_after: off_stack; ret
site_call: on_stack; call call_target; off_stack; ret
call_target: nop; ret
site_return: on_stack; call 1f; return_place: off_stack; ret
1: nop; ret
site_pushf: on_stack; pushfl; after_pushf: popl %eax; off_stack; ret
site_callm: on_stack; call *target_pointer; off_stack; ret
callm_target: nop; ret
site_jumpm: jmp *target_pointer
jumpm_target: nop; ret
site_stos: pushl %edi; movl $watched, %edi; movl $8, %ecx; xorl %eax, %eax
stos_itself: rep stosl
after_stos: popl %edi; ret
site_read: movl stack_words+124, %eax; after_read: nop; ret
site_return3: call 1f; return_place3: popl %edx; after_pop3: pushl %edx; ret
1: nop; ret
site_mixed: pushl %ebx; nop
mixed_cli: cli
mixed_cpuid: cpuid
mixed_add: addl $0x12345678, %eax
mixed_inside = mixed_add + 2
  popl %ebx; ret
site_loop: movl $10, %ecx
1: nop
loop_body: leal 1(%eax), %eax
  decl %ecx; jnz 1b; ret
site_user: movl $1, watched; after_user: nop
user_place: nop; ret
site_port: inb $0x61, %al; after_port: nop; ret
)");

template <class Function>
void run(Function f) {
  asm volatile("call *%0" : : "r"(f) : "eax", "ecx", "edx", "memory", "cc");
}

const volatile void* word(unsigned n) { return &watched[n]; }
// The word that a push puts on the test's stack.
const volatile void* pushed() { return &stack_words[31]; }

void data_in_the_kernel() {
  arm(0, word(1), kOnWrite, 4);
  run(site_store);
  disarm();
  expect_hit("a store", after_store);
  arm(3, reinterpret_cast<const volatile uint8_t*>(word(1)) + 2, kOnWrite, 1);
  run(site_store);
  disarm();
  expect_hit("one byte of it, DR3", after_store, 3);
  arm(0, word(2), kOnAccess, 4);
  run(site_store);
  disarm();
  expect_equal("not the neighbour", hits, 0);
  arm(0, pushed(), kOnWrite, 4);
  run(site_push);
  disarm();
  expect_hit("PUSH", push_after);
  arm(0, pushed(), kOnWrite, 4);
  run(site_call);
  disarm();
  expect_hit("CALL pushes its return address", call_target);
  arm(0, pushed(), kOnWrite, 4);
  run(site_pushf);
  disarm();
  expect_hit("PUSHF", after_pushf);
  arm(0, pushed(), kOnAccess, 4);
  run(site_read);
  disarm();
  expect_hit("a load", after_read);
}

void data_of_branches() {
  target_pointer = reinterpret_cast<uint32_t>(callm_target);
  arm(1, &target_pointer, kOnAccess, 4);
  run(site_callm);
  disarm();
  expect_hit("the operand of an indirect CALL", callm_target, 1);
  arm(1, pushed(), kOnWrite, 4);
  run(site_callm);
  disarm();
  expect_hit("its push", callm_target, 1);
  target_pointer = reinterpret_cast<uint32_t>(jumpm_target);
  arm(1, &target_pointer, kOnAccess, 4);
  run(site_jumpm);
  disarm();
  expect_hit("the operand of an indirect JMP", jumpm_target, 1);
}

void below_the_stack() {
  for (unsigned below = 1; below <= 4; ++below) {
    // ESP is at [32] before the CALL, at [31] in what it calls.
    arm(0, &stack_words[31 - below], kOnAccess, 4);
    target_pointer = reinterpret_cast<uint32_t>(callm_target);
    for (unsigned i = 0; i < 3; ++i) {
      run(site_call);
      run(site_return);
      run(site_pushf);
      run(site_callm);
    }
    disarm();
    expect_equal("nothing below the stack is touched", hits, 0);
  }
}

void repeated() {
  arm(0, word(2), kOnWrite, 4);
  run(site_stos);
  disarm();
  expect_hit("REP STOS stops behind the iteration", stos_itself);
  expect_equal("  with the count of the rest", ecxs[0], 5);
  arm(0, word(7), kOnWrite, 4);
  run(site_stos);
  disarm();
  expect_equal("its last iteration", hits, 1);
  check(eips[0] == reinterpret_cast<uint32_t>(after_stos) || eips[0] == reinterpret_cast<uint32_t>(stos_itself),
        "  behind it, or with a count of 0");
}

void code_in_the_kernel() {
  struct {
    const char* name;
    const uint8_t* where;
  } const places[] = {{"on CLI", mixed_cli}, {"on CPUID", mixed_cpuid}, {"on ADD", mixed_add}};
  for (const auto& place : places) {
    run(site_mixed);
    arm(0, place.where, kOnCode);
    run(site_mixed);
    disarm();
    expect_hit(place.name, place.where);
  }
  arm(0, mixed_inside, kOnCode);
  run(site_mixed);
  disarm();
  expect_equal("not inside an instruction", hits, 0);
  arm(0, loop_body, kOnCode);
  run(site_loop);
  disarm();
  expect_equal("in a loop", hits, 10);
  arm(2, callm_target, kOnCode);
  target_pointer = reinterpret_cast<uint32_t>(callm_target);
  run(site_callm);
  disarm();
  expect_hit("where an indirect CALL goes", callm_target, 2);
  arm(2, return_place, kOnCode);
  run(site_return);
  disarm();
  expect_hit("where a RET goes", return_place, 2);
  run(site_return);
  expect_equal("none when it is off", hits, 1);
  hits = 0;
  set_address(0, reinterpret_cast<uint32_t>(mixed_cli));
  set_address(1, reinterpret_cast<uint32_t>(mixed_add));
  set_address(2, reinterpret_cast<uint32_t>(mixed_add));
  write_dr7(kFixed | 1 | 2 << 2 | 1 << 4);  // L0, G1, L2
  run(site_mixed);
  disarm();
  expect_equal("three at once", hits, 2);
  expect_equal("  the last two together", sixes[1] & 15, 6);
}

void with_single_step() {
  arm(0, word(1), kOnWrite, 4);
  hits = 0;
  asm volatile("pushfl; orl $0x100, (%%esp); popfl; nop; movl $9, watched+4; pushfl; andl $~0x100, (%%esp); popfl"
               :
               :
               : "memory", "cc");
  disarm();
  unsigned both = 0, steps = 0;
  for (unsigned i = 0; i < hits && i < kMax; ++i) {
    steps += (sixes[i] & kBs) != 0;
    both += (sixes[i] & (kBs | 15)) == (kBs | 1);
  }
  check(steps >= 4, "a trap behind each instruction");
  expect_equal("BS and B0 at once", both, 1);
}

void in_user_code() {
  arm(0, word(0), kOnWrite, 4);
  run_user(site_user);
  disarm();
  expect_hit("ring 3, a store", after_user);
  arm(1, user_place, kOnCode);
  run_user(site_user);
  disarm();
  expect_hit("ring 3, code", user_place, 1);
  // The word that RET and POP read is not one that the frame of #DB then covers: that is on another stack.
  run_user(site_return3);
  const uint32_t* top = user_stack_top();
  arm(0, top - 1, kOnAccess, 4);
  run_user(site_return3);
  disarm();
  expect_equal("ring 3, CALL and RET", hits, 2);
  expect_equal("  the second behind RET", eips[1], reinterpret_cast<uint32_t>(return_place3));
  arm(0, word(0), kOnWrite, 4);
  run_user(site_user, kFlagFixed | kFlagIopl);
  disarm();
  expect_hit("with IOPL 3, a store", after_user);
  arm(1, user_place, kOnCode);
  run_user(site_user, kFlagFixed | kFlagIopl);
  disarm();
  expect_hit("with IOPL 3, code", user_place, 1);
}

// The processor may report it behind MOV SS or, as the manual has it, behind the instruction after: here one that the
// kernel is called by.
void user_mov_ss() { asm volatile("movw watched+12, %%ss; int $0x82; nop" : : : "memory"); }
void behind_mov_ss() {
  watched[3] = kData3;
  set_gate_type(0x82, kTypeInterruptGate | kDpl3);
  set_handler(0x82, [](Frame&) {});
  arm(0, word(3), kOnAccess, 4);
  run_user(user_mov_ss);
  disarm();
  expect_equal("MOV SS from a watched word, INT n", hits, 1);
  arm(0, word(3), kOnAccess, 4);
  watched[3] = kData0;
  hits = 0;
  asm volatile("movw watched+12, %%ss; nop; nop" : : : "memory");
  disarm();
  expect_equal("the same in the kernel", hits, 1);
}

void on_ports() {
  arm(0, reinterpret_cast<const void*>(0x61), kOnPort);
  run(site_port);
  if (hits)
    skip("a port needs CR4.DE", "not on this processor");
  else
    check(true, "a port needs CR4.DE");
  hits = 0;
  write_cr4(read_cr4() | kDe);
  run(site_port);
  if (hits)
    expect_hit("IN", after_port);
  else
    skip("breakpoints on ports", "this processor has none");
  disarm();
  write_cr4(read_cr4() & ~kDe);
}

void status() {
  arm(0, word(1), kOnWrite, 4);
  write_dr6(kBs | 8);
  run(site_store);
  disarm();
  expect_equal("B0 to B3 are the latest", sixes[0] & 15, 1);
  if (sixes[0] & kBs)
    check(true, "  BS stays");
  else
    skip("  BS stays", "not on this processor");
}

}  // namespace

void run_tests() {
  set_handler(kDb, on_debug);
  data_in_the_kernel();
  data_of_branches();
  below_the_stack();
  repeated();
  code_in_the_kernel();
  with_single_step();
  in_user_code();
  behind_mov_ss();
  if (has_edx(2)) on_ports();
  status();
}
