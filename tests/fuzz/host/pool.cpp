// SPDX-License-Identifier: GPL-2.0-only
#include "pool.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace ring1::fuzz {

Pool* pool;
thread_local sigjmp_buf escape;
thread_local volatile bool guarded;

namespace {

uint8_t* map(size_t size) {
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_32BIT, -1, 0);
  if (memory == MAP_FAILED) std::perror("mmap"), _exit(2);
  return static_cast<uint8_t*>(memory);
}

// Its address.
uint32_t make_stub32() {
  uint8_t* page = map(4096);
  constexpr uint8_t kBack[] = {0x41, 0xff, 0xe5};  // jmp r13
  constexpr uint16_t kCode64 = 0x33;               // Linux' __USER_CS
  constexpr unsigned kJump = 2, kEnd = 9;
  const auto address = static_cast<uint32_t>(reinterpret_cast<uint64_t>(page)), target = address + kEnd;
  page[0] = 0xcd, page[1] = 0x80, page[kJump] = 0xea;  // int 0x80; jmp 0x33:target
  std::memcpy(page + kJump + 1, &target, sizeof target);
  std::memcpy(page + kJump + 5, &kCode64, sizeof kCode64);
  std::memcpy(page + kEnd, kBack, sizeof kBack);
  mprotect(page, 4096, PROT_READ | PROT_EXEC);
  return address;
}

void on_fault(int) {
  if (!guarded) _exit(99);
  guarded = false;
  siglongjmp(escape, 1);
}

}  // namespace

Pool::Pool(unsigned long type) : machine_type(type), device(open("/dev/ring1", O_RDWR | O_CLOEXEC)) {
  if (device < 0) std::perror("/dev/ring1"), _exit(2);
  for (auto& fd : vm) fd = -1;
  for (auto& fd : vcpu) fd = -1;
  for (auto& task : tasks) task = 0;
  arena = map(kArena);
  run_areas = map(kMachines * kRunArea);
  stacks32 = map(kTasks * kStack);
  constexpr uint16_t kCode32 = 0x23;  // Linux' __USER32_CS
  stub32 = {make_stub32(), kCode32};
}

Room::Room() : base_(map(kSize + 4096)) { mprotect(base_ + kSize, 4096, PROT_NONE); }

void install_handlers() {
  struct sigaction action = {};
  action.sa_flags = SA_NODEFER;
  action.sa_handler = on_fault;
  for (int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP}) sigaction(signal, &action, nullptr);
  action.sa_handler = [](int) {};
  sigaction(SIGUSR1, &action, nullptr);
}

}  // namespace ring1::fuzz
