// SPDX-License-Identifier: GPL-2.0-only
#include "emulator_long_native.h"

#include <string.h>
#include <sys/mman.h>

#include <initializer_list>

namespace ring1::emulator::test {
namespace {

constexpr uint64_t kExchange = LongNative::kCode + 0x1000, kExit = LongNative::kCode + 0x200;
constexpr unsigned kRsp = 4;

// In the page behind the code.
struct Exchange {
  LongState in, out;
  uint64_t host_stack;
  uint64_t stack[16];
};

Exchange& exchange() { return *reinterpret_cast<Exchange*>(kExchange); }

template <class Member>
uint32_t low(Member& member) {
  return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(&member));
}

class Writer {
 public:
  explicit Writer(uint64_t at) : at_(at) {}
  Writer& bytes(std::initializer_list<uint8_t> list) {
    for (uint8_t byte : list) *reinterpret_cast<uint8_t*>(at_++) = byte;
    return *this;
  }
  Writer& dword(uint32_t value) {
    memcpy(reinterpret_cast<void*>(at_), &value, 4);
    at_ += 4;
    return *this;
  }
  // A 64-bit MOV between a register and an absolute address below 2 GiB.
  Writer& mov(uint8_t opcode, unsigned reg, uint32_t address) {
    return bytes({static_cast<uint8_t>(0x48 | (reg >> 3) << 2), opcode, static_cast<uint8_t>((reg & 7) << 3 | 4), 0x25})
        .dword(address);
  }
  Writer& load(unsigned reg, uint32_t address) { return mov(0x8b, reg, address); }
  Writer& store(unsigned reg, uint32_t address) { return mov(0x89, reg, address); }
  void jump(uint64_t target) { bytes({0xe9}).dword(static_cast<uint32_t>(target - at_ - 4)); }

 private:
  uint64_t at_;
};

// push rbx, rbp, r12 to r15 and the way back.
void write_trampoline() {
  Exchange& x = exchange();
  const uint32_t stack_top = low(x.stack) + sizeof x.stack;
  Writer entry(LongNative::kCode);
  entry.bytes({0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57}).store(kRsp, low(x.host_stack));
  entry.bytes({0xbc}).dword(stack_top);                                  // mov esp, stack
  entry.bytes({0xff, 0x34, 0x25}).dword(low(x.in.flags)).bytes({0x9d});  // push [flags]; popfq
  for (unsigned reg = 0; reg < 16; ++reg) entry.load(reg, low(x.in.gpr[reg]));
  entry.jump(LongNative::kSnippet);

  Writer exit(kExit);
  for (unsigned reg = 0; reg < 16; ++reg) exit.store(reg, low(x.out.gpr[reg]));
  exit.bytes({0xbc}).dword(stack_top);
  exit.bytes({0x9c, 0x8f, 0x04, 0x25}).dword(low(x.out.flags));  // pushfq; pop [flags]
  exit.bytes({0xfc}).load(kRsp, low(x.host_stack));
  exit.bytes({0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c, 0x5d, 0x5b, 0xc3});
}

// Marks the end of a path through the snippet, flags untouched.
void write_end(uint64_t offset) {
  Writer end(LongNative::kSnippet + offset);
  end.bytes({0xc7, 0x04, 0x25}).dword(low(exchange().out.rip)).dword(static_cast<uint32_t>(offset)).jump(kExit);
}

bool map(uint64_t address, size_t size, int protection) {
  void* wanted = reinterpret_cast<void*>(address);
  return mmap(wanted, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == wanted;
}

}  // namespace

LongNative::LongNative() {
  if (!map(kCode, 0x2000, PROT_READ | PROT_WRITE | PROT_EXEC) || !map(kLowData, kDataSize, PROT_READ | PROT_WRITE) ||
      !map(kHighData, kDataSize, PROT_READ | PROT_WRITE))
    return;
  write_trampoline();
  guard_.emplace(kExit, 0);
  available_ = guard_->installed();
}

LongNative::~LongNative() {
  munmap(reinterpret_cast<void*>(kCode), 0x2000);
  munmap(reinterpret_cast<void*>(kLowData), kDataSize);
  munmap(reinterpret_cast<void*>(kHighData), kDataSize);
}

bool LongNative::run(const uint8_t* snippet, unsigned length, LongState* state) {
  memcpy(reinterpret_cast<void*>(kSnippet), snippet, length);
  write_end(length);
  write_end(kTarget);
  exchange().in = *state;
  exchange().out.rip = 0;
  guard_->begin();
  // The red zone of this function's frame stays as it is: a call skips it no more than a push would.
  asm volatile("sub $128, %%rsp\n call *%0\n add $128, %%rsp"
               :
               : "r"(kCode)
               : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
  *state = exchange().out;
  return guard_->end();
}

}  // namespace ring1::emulator::test
