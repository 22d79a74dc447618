// SPDX-License-Identifier: GPL-2.0-only
#include "emulator_core_native.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <initializer_list>

namespace ring1::emulator::test {
namespace {

constexpr uint16_t kUserCode32 = 0x23, kUserCode64 = 0x33;

// Lies in the data page of the trampoline, behind its code.
struct Exchange {
  NativeState in, out;
  uint64_t host_stack;
  uint32_t entry;
  uint16_t entry_selector;
  uint32_t stack[16];
};

constexpr uint32_t kExchange = Native32::kCode + 0x1000;
constexpr uint32_t kExit = Native32::kCode + 0x100, kBack = Native32::kCode + 0x180;

Exchange& exchange() { return *reinterpret_cast<Exchange*>(uintptr_t{kExchange}); }

template <class Member>
uint32_t low(Member& member) {
  return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(&member));
}

class Writer {
 public:
  explicit Writer(uint32_t at) : at_(at) {}
  Writer& bytes(std::initializer_list<uint8_t> list) {
    for (uint8_t byte : list) *reinterpret_cast<uint8_t*>(uintptr_t{at_++}) = byte;
    return *this;
  }
  Writer& dword(uint32_t value) {
    memcpy(reinterpret_cast<void*>(uintptr_t{at_}), &value, 4);
    at_ += 4;
    return *this;
  }
  void jump(uint32_t target) { bytes({0xe9}).dword(target - at_ - 4); }

 private:
  uint32_t at_;
};

volatile bool signalled;

void on_signal(int, siginfo_t*, void* context) {
  signalled = true;
  greg_t* registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  registers[REG_RIP] = kExit;
  registers[REG_CSGSFS] = (registers[REG_CSGSFS] & ~greg_t{0xffff}) | kUserCode32;
}

void write_trampoline() {
  Exchange& x = exchange();
  const uint32_t stack = low(x.stack) + sizeof x.stack;
  Writer entry(Native32::kCode);
  entry.bytes({0xbc}).dword(stack);                         // mov esp, stack
  entry.bytes({0xff, 0x35}).dword(low(x.in.flags));         // push [flags]
  entry.bytes({0x9d});                                      // popfd
  for (uint8_t reg = 0; reg < 8; ++reg)                     // mov reg, [gpr + 4 * reg]
    entry.bytes({0x8b, static_cast<uint8_t>(0x05 | reg << 3)}).dword(low(x.in.gpr[reg]));
  entry.jump(Native32::kSnippet);

  Writer exit(kExit);
  for (uint8_t reg = 0; reg < 8; ++reg)
    exit.bytes({0x89, static_cast<uint8_t>(0x05 | reg << 3)}).dword(low(x.out.gpr[reg]));
  exit.bytes({0xbc}).dword(stack).bytes({0x9c, 0x8f, 0x05}).dword(low(x.out.flags));  // pushfd; pop [flags]
  exit.bytes({0xea}).dword(kBack).bytes({kUserCode64, 0});                            // jmp far

  Writer back(kBack);  // 64-bit: mov rsp, [host_stack]; ret
  back.bytes({0x48, 0x8b, 0x24, 0x25}).dword(low(x.host_stack)).bytes({0xc3});
}

// Marks the end of a path through the snippet, flags untouched.
void write_end(uint32_t offset) {
  Writer(Native32::kSnippet + offset)
      .bytes({0xc7, 0x05}).dword(low(exchange().out.rip)).dword(offset)
      .jump(kExit);
}

// The red zone below RSP is skipped; the processor may forget R8 to R15 and upper halves in compatibility mode.
void enter() {
  uintptr_t address = kExchange;
  asm volatile(
      "sub $128, %%rsp\n"
      "pushfq\n"
      "push %%rbx\n push %%rbp\n push %%r12\n push %%r13\n push %%r14\n push %%r15\n"
      "mov $0x2b, %%edx\n mov %%edx, %%ds\n mov %%edx, %%es\n"
      "lea 1f(%%rip), %%rdx\n push %%rdx\n"
      "mov %%rsp, %c[stack](%%rax)\n"
      "ljmpl *%c[entry](%%rax)\n"
      "1:\n"
      "pop %%r15\n pop %%r14\n pop %%r13\n pop %%r12\n pop %%rbp\n pop %%rbx\n"
      "popfq\n"
      "add $128, %%rsp\n"
      : "+a"(address)
      : [stack] "i"(__builtin_offsetof(Exchange, host_stack)), [entry] "i"(__builtin_offsetof(Exchange, entry))
      : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
}

bool map(uint32_t address, size_t size, int protection) {
  void* wanted = reinterpret_cast<void*>(uintptr_t{address});
  return mmap(wanted, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == wanted;
}

}  // namespace

Native32::Native32() {
  if (!map(kCode, 0x2000, PROT_READ | PROT_WRITE | PROT_EXEC) || !map(kData, kDataSize, PROT_READ | PROT_WRITE)) return;
  write_trampoline();
  write_end(kTarget);
  static uint8_t signal_stack[65536];
  const stack_t stack{signal_stack, 0, sizeof signal_stack};
  struct sigaction action {};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  if (sigaltstack(&stack, nullptr)) return;
  for (int number : {SIGFPE, SIGSEGV, SIGBUS, SIGILL, SIGTRAP})
    if (sigaction(number, &action, nullptr)) return;
  // A kernel without 32-bit segments, or a sandbox, shows itself by a signal on the way in.
  exchange().entry = kCode;
  exchange().entry_selector = kUserCode32;
  const uint8_t increment = 0x40;
  NativeState state{};
  state.gpr[0] = 41;
  state.flags = 0x202;
  available_ = run(&increment, 1, &state) && state.gpr[0] == 42;
}

Native32::~Native32() {
  munmap(reinterpret_cast<void*>(uintptr_t{kCode}), 0x2000);
  munmap(reinterpret_cast<void*>(uintptr_t{kData}), kDataSize);
  for (int number : {SIGFPE, SIGSEGV, SIGBUS, SIGILL, SIGTRAP}) signal(number, SIG_DFL);
}

uint8_t* Native32::data() const { return reinterpret_cast<uint8_t*>(uintptr_t{kData}); }

bool Native32::run(const uint8_t* snippet, unsigned length, NativeState* state) {
  memcpy(reinterpret_cast<void*>(uintptr_t{kSnippet}), snippet, length);
  write_end(length);
  exchange().in = *state;
  signalled = false;
  enter();
  *state = exchange().out;
  return !signalled;
}

}  // namespace ring1::emulator::test
