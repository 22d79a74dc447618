// SPDX-License-Identifier: GPL-2.0-only
#include "translator_cpu.h"

#include <asm/ldt.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <unistd.h>

#include <cstring>

#include "oracle.h"
#include "translator/shared_page.h"

namespace ring1::translator::test {
namespace {

constexpr greg_t kTrapFlag = 0x100;
constexpr int kRegisterOf[8] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI};

// A run begins with a signal and ends in the handler of another, which puts the first one's registers back.
const Trap* entry;
const std::function<bool(Trap&)>* callback;
Registers result;
gregset_t caller;
bool running;
unsigned traps;

bool set_segment(unsigned index, uint32_t base, uint32_t limit, bool pages, bool code, bool wide) {
  user_desc descriptor{};
  descriptor.entry_number = index;
  descriptor.base_addr = base;
  descriptor.limit = limit;
  descriptor.limit_in_pages = pages;
  descriptor.contents = code ? MODIFY_LDT_CONTENTS_CODE : MODIFY_LDT_CONTENTS_DATA;
  descriptor.seg_32bit = wide;
  return syscall(SYS_modify_ldt, 1, &descriptor, sizeof descriptor) == 0;
}

bool map(uint32_t address, uint32_t bytes) {
  void* const place = at<>(address);
  return mmap(place, bytes, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
              0) == place;
}

void load(const Registers& from, const Trap& how, greg_t* to) {
  for (unsigned n = 0; n < 8; ++n) to[kRegisterOf[n]] = from.gpr[n];
  to[REG_RIP] = from.eip;
  to[REG_EFL] = (from.eflags & ~kTrapFlag) | (how.single_step ? kTrapFlag : 0);
  // CS, GS, FS, SS from the lowest word up; GS and FS are left alone by the kernel.
  to[REG_CSGSFS] = (to[REG_CSGSFS] & 0x0000ffffffff0000ll) | how.cs | static_cast<greg_t>(Cpu::kFlatData) << 48;
}

// The n of an INT n through a gate of ring 0: the error code has the IDT bit set (SDM 3A 6.13). Its index is not
// believed: QEMU counts it in long mode's descriptors of 16 bytes.
int software_interrupt(int vector, greg_t error, uint16_t cs, greg_t eip) {
  constexpr uint8_t kIntN = 0xcd;
  if (vector != 13 || (error & 2) == 0) return -1;
  const uint8_t* code = at<>(static_cast<uint32_t>(eip) + (cs == Cpu::kCode16 ? Arena::kGuest : 0));
  return code[0] == kIntN ? code[1] : -1;
}

void on_start(int, siginfo_t*, void* context) {
  greg_t* registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  std::memcpy(caller, registers, sizeof caller);
  load(entry->registers, *entry, registers);
}

void on_fault(int signal, siginfo_t*, void* context) {
  greg_t* registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  const uint16_t cs = static_cast<uint16_t>(registers[REG_CSGSFS]);
  if (!running || (cs & 4) == 0) {  // not ours: die of it
    ::signal(signal, SIG_DFL);
    return;
  }
  Trap trap{};
  trap.vector = static_cast<int>(registers[REG_TRAPNO]);
  trap.software = software_interrupt(trap.vector, registers[REG_ERR], cs, registers[REG_RIP]);
  trap.single_step = (registers[REG_EFL] & kTrapFlag) != 0;
  trap.cs = cs;
  for (unsigned n = 0; n < 8; ++n) trap.registers.gpr[n] = static_cast<uint32_t>(registers[kRegisterOf[n]]);
  trap.registers.eip = static_cast<uint32_t>(registers[REG_RIP]);
  trap.registers.eflags = static_cast<uint32_t>(registers[REG_EFL] & ~kTrapFlag);
  if ((*callback)(trap) && ++traps < Cpu::kMostTraps) {
    load(trap.registers, trap, registers);
  } else {
    result = trap.registers;
    std::memcpy(registers, caller, sizeof caller);
  }
}

bool set_up() {
  if (!set_segment(1, 0, 0xfffff, true, true, true) || !set_segment(2, 0, 0xfffff, true, false, true) ||
      !set_segment(3, Arena::kShared, 0xfffff, true, false, true) ||
      !set_segment(4, Arena::kGuest, 0xffff, false, true, false))
    return false;
  if (!map(Arena::kGuest, Arena::kGuestBytes) || !map(Arena::kData, Arena::kDataBytes) ||
      !map(Arena::kStack, Arena::kStackBytes) || !map(Arena::kCache, Arena::kCacheBytes) ||
      !map(Arena::kShared, kGsSegmentBytes))
    return false;
  static uint8_t signal_stack[256 << 10];
  const stack_t stack{signal_stack, 0, sizeof signal_stack};
  sigaltstack(&stack, nullptr);
  struct sigaction action {};
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  action.sa_sigaction = on_start;
  sigaction(SIGUSR1, &action, nullptr);
  action.sa_sigaction = on_fault;
  for (int signal : {SIGSEGV, SIGTRAP, SIGILL, SIGBUS, SIGFPE}) sigaction(signal, &action, nullptr);
  return true;
}

}  // namespace

bool Cpu::available(bool code32) {
  using ring1::test::UserSegment;
  static const bool ok = ring1::test::offers(UserSegment::kLdt32) && set_up();
  return ok && (code32 || ring1::test::offers(UserSegment::kLdt16));
}

Registers Cpu::run(const Trap& from, const std::function<bool(Trap&)>& on_trap) {
  entry = &from;
  callback = &on_trap;
  running = true;
  traps = 0;
  // 64-bit code looks at none of these three, so they can stay loaded.
  asm volatile("mov %0, %%ds; mov %0, %%es; mov %1, %%gs" : : "r"(uint32_t{kFlatData}), "r"(uint32_t{kShared}));
  raise(SIGUSR1);
  running = false;
  return result;
}

}  // namespace ring1::translator::test
