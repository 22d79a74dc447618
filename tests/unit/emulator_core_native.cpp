// SPDX-License-Identifier: GPL-2.0-only
#include "emulator_core_native.h"

#include <asm/ldt.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <initializer_list>

#include "oracle.h"

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

constexpr uint32_t kExchange = Native::kCode + 0x1000;
constexpr uint32_t kEntry16 = Native::kCode + 0x80, kExit = Native::kCode + 0x100, kBack = Native::kCode + 0x1e0;
constexpr uint16_t kFlatData = 0x2b, kLdtCode = 0 << 3 | 7, kLdtData = 1 << 3 | 7;
constexpr uint8_t kGsPrefix = 0x65;

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

constexpr uint8_t modrm_absolute(uint8_t reg) { return 0x05 | reg << 3; }

// Flags first, then segments, registers last: MOV changes no flags. GS stays flat throughout.
void write_flags_and_registers(Writer& entry, uint16_t data_selector) {
  Exchange& x = exchange();
  entry.bytes({0xbc}).dword(low(x.stack) + sizeof x.stack);        // mov esp, stack
  entry.bytes({0xff, 0x35}).dword(low(x.in.flags)).bytes({0x9d});  // push [flags]; popfd
  if (data_selector) {
    entry.bytes({0xb8}).dword(data_selector);           // mov eax, selector
    entry.bytes({0x8e, 0xd0, 0x8e, 0xd8, 0x8e, 0xc0});  // mov ss, ds, es
  }
  for (uint8_t reg = 0; reg < 8; ++reg)  // mov reg, gs:[gpr + 4 * reg]
    entry.bytes({kGsPrefix, 0x8b, modrm_absolute(reg)}).dword(low(x.in.gpr[reg]));
}

void write_trampoline() {
  Exchange& x = exchange();
  Writer entry(Native::kCode);
  write_flags_and_registers(entry, 0);
  entry.jump(Native::kSnippet);

  Writer entry16(kEntry16);
  write_flags_and_registers(entry16, kLdtData);
  entry16.bytes({0xea}).dword(Native::kSnippet - Native::kCode).bytes({kLdtCode, 0});  // jmp far

  Writer exit(kExit);
  for (uint8_t reg = 0; reg < 8; ++reg) exit.bytes({kGsPrefix, 0x89, modrm_absolute(reg)}).dword(low(x.out.gpr[reg]));
  exit.bytes({0xb8}).dword(kFlatData).bytes({0x8e, 0xd0, 0x8e, 0xd8, 0x8e, 0xc0});
  exit.bytes({0xbc}).dword(low(x.stack) + sizeof x.stack);
  exit.bytes({0x9c, 0x8f, 0x05}).dword(low(x.out.flags));  // pushfd; pop [flags]
  exit.bytes({0xea}).dword(kBack).bytes({kUserCode64, 0});

  Writer back(kBack);  // 64-bit: mov rsp, [host_stack]; ret
  back.bytes({0x48, 0x8b, 0x24, 0x25}).dword(low(x.host_stack)).bytes({0xc3});
}

// Marks the end of a path through the snippet, flags untouched.
void write_end(CodeSize size, uint32_t offset) {
  Writer end(Native::kSnippet + offset);
  const uint32_t mark = low(exchange().out.rip);
  if (size == CodeSize::k32) {
    end.bytes({kGsPrefix, 0xc7, 0x05}).dword(mark).dword(offset).jump(kExit);
  } else {  // the same with prefixes, and a far jump
    end.bytes({kGsPrefix, 0x66, 0x67, 0xc7, 0x05}).dword(mark).dword(offset);
    end.bytes({0x66, 0xea}).dword(kExit).bytes({kUserCode32, 0});
  }
}

bool write_ldt(uint16_t selector, uint32_t base, uint32_t limit, unsigned contents) {
  user_desc descriptor{};
  descriptor.entry_number = selector >> 3;
  descriptor.base_addr = base;
  descriptor.limit = limit;
  descriptor.contents = contents;
  descriptor.useable = 1;
  constexpr int kWrite = 0x11;
  return syscall(SYS_modify_ldt, kWrite, &descriptor, sizeof descriptor) == 0;
}

// The red zone below RSP is skipped; the processor may forget R8 to R15 and upper halves in compatibility
// mode.
void enter() {
  uintptr_t address = kExchange;
  asm volatile(
      "sub $128, %%rsp\n"
      "pushfq\n"
      "push %%rbx\n push %%rbp\n push %%r12\n push %%r13\n push %%r14\n push %%r15\n"
      "mov $0x2b, %%edx\n mov %%edx, %%ds\n mov %%edx, %%es\n mov %%edx, %%gs\n"
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

Native::Native() {
  if (!map(kCode, 0x2000, PROT_READ | PROT_WRITE | PROT_EXEC) || !map(kData, kDataSize, PROT_READ | PROT_WRITE)) return;
  using ring1::test::UserSegment;
  write_trampoline();
  exchange().entry_selector = kUserCode32;
  guard_.emplace(kExit, kUserCode32);
  available32_ = guard_->installed() && ring1::test::offers(UserSegment::kFlat32);
  constexpr unsigned kDataContents = 0, kCodeContents = 2;
  available16_ = available32_ && ring1::test::offers(UserSegment::kLdt16) &&
                 write_ldt(kLdtCode, kCode, 0xffff, kCodeContents) &&
                 write_ldt(kLdtData, kData, kDataSize - 1, kDataContents);
}

Native::~Native() {
  munmap(reinterpret_cast<void*>(uintptr_t{kCode}), 0x2000);
  munmap(reinterpret_cast<void*>(uintptr_t{kData}), kDataSize);
}

uint8_t* Native::data() const { return reinterpret_cast<uint8_t*>(uintptr_t{kData}); }

bool Native::run(CodeSize size, const uint8_t* snippet, unsigned length, NativeState* state) {
  memcpy(reinterpret_cast<void*>(uintptr_t{kSnippet}), snippet, length);
  write_end(size, length);
  write_end(size, kTarget);
  exchange().in = *state;
  exchange().entry = size == CodeSize::k32 ? kCode : kEntry16;
  guard_->begin();
  enter();
  *state = exchange().out;
  return guard_->end();
}

}  // namespace ring1::emulator::test
