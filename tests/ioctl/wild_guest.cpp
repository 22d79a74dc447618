// SPDX-License-Identifier: GPL-2.0-only
#include "wild_guest.h"

#include <signal.h>
#include <sys/time.h>

#include <cstring>

#include "check.h"
#include "tests/flat_segment.h"

namespace ring1::ioctl_test {
namespace {

constexpr uint32_t kMemory = 0x100000, kMarker = 0x1f000, kGdt = 0x20000, kLoop = 0x21000, kBytes = 0x22000;
// The word to be overwritten lies across a page: a processor does not forward such a store to the load behind it.
constexpr uint32_t kStack = 0x28006, kReturn = kStack - 8;
constexpr uint8_t kCallAndRet[] = {0xe8, 0x02, 0, 0, 0, 0xeb, 0xf9, 0xc3};  // 1: call 2f; jmp 1b; 2: ret
constexpr uint8_t kSetMarker[] = {0xc7, 0x05, 0, 0xf0, 0x01, 0, 1, 0, 0, 0};  // movl $1, kMarker
constexpr uint8_t kUd2[] = {0x0f, 0x0b};
constexpr unsigned kPatience = 2000;
constexpr long kTurnMicroseconds = 20000;  // of a guest that does not stop by itself

// Code and data of rings 0, 1 and 3, 64-bit and conforming code; then each kind of system descriptor at DPL 1 and 3.
void fill_gdt(uint8_t* where) {
  uint64_t table[WildGuest::kDescriptors] = {};
  table[1] = 0x00cf9b000000ffff;
  table[2] = 0x00cf93000000ffff;
  unsigned n = 3;
  for (const uint64_t dpl : {0, 1, 2, 3})
    for (const uint64_t type : {0x3, 0xb, 0xf})         // data, code, conforming code
      for (const uint64_t flags : {0xc, 0x8, 0xa, 0xe})  // D; neither; L; L and D
        table[n++] = 0x000f00000000ffff | (0x90 | type | dpl << 5) << 40 | flags << 52;
  for (const uint64_t dpl : {1, 3})
    for (uint64_t type = 0; type < 16; type++)  // as a gate: to flat code, EIP 0x22000
      table[n++] = 0x0000000000082000 | (0x80 | type | dpl << 5) << 40 | uint64_t{2} << 48;
  std::memcpy(where, table, sizeof table);
}

}  // namespace

WildGuest::Machine::Machine(const Memory& memory) : vcpu(vm) { CHECK_EQ(vm.set_region(0, 0, memory, kMemory), 0); }

WildGuest::WildGuest() : random(1), memory_(kMemory) {
  std::memcpy(memory_.data() + kLoop, kCallAndRet, sizeof kCallAndRet);
  fill_gdt(memory_.data() + kGdt);
  struct sigaction action = {};
  action.sa_handler = [](int) {};
  sigaction(SIGALRM, &action, nullptr);
  pthread_create(&writer_, nullptr, write_always, this);
}

WildGuest::~WildGuest() {
  ended_ = true;
  pthread_join(writer_, nullptr);
}

void WildGuest::turn(long microseconds) {
  const itimerval value = {{0, microseconds}, {0, microseconds}};
  setitimer(ITIMER_REAL, &value, nullptr);
}

void* WildGuest::write_always(void* self) {
  auto* guest = static_cast<WildGuest*>(self);
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  auto* where = reinterpret_cast<volatile uint32_t*>(guest->memory_.data() + kReturn);
  while (!guest->ended_) *where = kBytes;
  return nullptr;
}

void WildGuest::reset() {
  // After a triple fault there is no other way.
  if (!machine_ || machine_->vcpu.shared->exit_reason == KVM_EXIT_SHUTDOWN) machine_ = std::make_unique<Machine>(memory_);
  kvm_sregs sregs = machine_->vcpu.sregs();
  sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = flat(kFlatData, 3);
  sregs.cs = flat(kFlatCode, 11);
  sregs.gdt.base = kGdt;
  sregs.gdt.limit = 8 * kDescriptors - 1;
  sregs.cr0 |= 1;
  kvm_regs regs = {};
  regs.rax = random(), regs.rbx = random(), regs.rcx = random(), regs.rdx = random();
  regs.rsi = random(), regs.rdi = random(), regs.rbp = random();
  regs.rsp = kStack;
  regs.rip = kLoop;
  regs.rflags = 2;
  CHECK_EQ(machine_->vcpu.call(KVM_SET_SREGS, &sregs), 0);
  CHECK_EQ(machine_->vcpu.call(KVM_SET_REGS, &regs), 0);
  if (!watching_) return;
  kvm_debugregs debug = {};
  debug.db[0] = kScratch;
  debug.dr6 = 0xffff0ff0;
  debug.dr7 = 0x000f0402;  // DR0: four bytes, read or written
  CHECK_EQ(machine_->vcpu.call(KVM_SET_DEBUGREGS, &debug), 0);
}

bool WildGuest::execute(const uint8_t* bytes, unsigned count) {
  uint8_t* code = memory_.data() + kBytes;
  std::memcpy(code, kSetMarker, sizeof kSetMarker);
  std::memcpy(code + sizeof kSetMarker, bytes, count);
  std::memcpy(code + sizeof kSetMarker + count, kUd2, sizeof kUd2);
  auto* marker = reinterpret_cast<volatile uint32_t*>(memory_.data() + kMarker);
  *marker = 0;
  for (unsigned i = 0; i < kPatience && !*marker; i++) {
    reset();
    turn(kTurnMicroseconds);
    machine_->vcpu.run();
    turn(0);  // KVM_CREATE_VM is interrupted by any signal (mm_take_all_locks)
  }
  return *marker;
}

}  // namespace ring1::ioctl_test
