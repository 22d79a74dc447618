// SPDX-License-Identifier: GPL-2.0-only
// Guests: short programs at the start of the arena, in flat protected mode or whatever state the vCPU is in.
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>

#include "argument.h"
#include "tests/flat_segment.h"

namespace ring1::fuzz {

namespace {

constexpr uint32_t kCode = 0x21000, kStack = 0x28006;

struct Program {
  uint8_t bytes[40];
};
const Program kPrograms[] = {
    // Walks through memory, reading and writing, and tells of each round: mov edi, 0x30000; 1: mov eax, [edi];
    // mov [edi+4], eax; add edi, 0x1000; cmp edi, 0xc00000; jb 1b; out 0x80, eax; jmp -
    {{0xbf, 0, 0, 3, 0, 0x8b, 7, 0x89, 0x47, 4, 0x81, 0xc7, 0, 0x10, 0, 0, 0x81, 0xff, 0, 0, 0xc0, 0, 0x72, 0xed, 0xe7, 0x80,
      0xeb, 0xe3}},
    {{0xe8, 2, 0, 0, 0, 0xeb, 0xf9, 0xc3}},                                // call; ret: see tests/ioctl/wild_guest.cpp
    {{0xfb, 0xf4, 0xeb, 0xfc}},                                            // sti; hlt
    {{0xfa, 0xeb, 0xfe}},                                                  // cli; jmp here
    {{0xa1, 0x20, 0, 0xe0, 0xfe, 0xa3, 0, 0, 0, 0xd0, 0xe4, 0x60, 0xeb, 0xf2}},  // local APIC, a device, a port
    {{0xcd, 0x80, 0xeb, 0xfc}},                                            // int 0x80
    {{0x0f, 0x20, 0xc0, 0x0f, 0x22, 0xc0, 0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8, 0xeb, 0xf2}},  // CR0, CR3
    {{0xb9, 0, 0, 1, 0, 0xbe, 0, 0, 3, 0, 0xbf, 0, 0, 8, 0, 0xf3, 0xa5, 0xeb, 0xed}},        // rep movsd
    {{0x0f, 0xa2, 0x0f, 0x31, 0xe6, 0x43, 0xeb, 0xf8}},                    // cpuid; rdtsc; out
};

void place_program(Worker& worker) {
  uint8_t* code = pool->arena + kCode;
  const Program& program = worker.random.of(kPrograms);
  const bool any = worker.random.one_in(4);
  touched([&] {
    if (any)
      for (unsigned i = 0; i < 64; i++) code[i] = static_cast<uint8_t>(worker.random.next());
    else
      std::memcpy(code, &program, sizeof program);
  });
}

void set_registers(Worker& worker, int fd) {
  kvm_sregs sregs;
  if (ioctl(fd, KVM_GET_SREGS, &sregs)) return;
  sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = flat(16, 3);
  sregs.cs = flat(8, 11);
  sregs.cr0 = (sregs.cr0 | 1) & 0x7fffffff;
  sregs.efer = 0;
  ioctl(fd, KVM_SET_SREGS, &sregs);
  kvm_regs regs = {};
  regs.rip = kCode;
  regs.rsp = kStack;
  regs.rflags = worker.random.one_in(4) ? worker.random.next() & 0x3f7fd7 : 2;
  ioctl(fd, KVM_SET_REGS, &regs);
}

}  // namespace

void prepare_guest(Worker& worker) {
  const unsigned i = static_cast<unsigned>(worker.random.below(Pool::kMachines));
  Step& step = worker.begin("prepare", static_cast<uint64_t>(pool->vcpu[i].load()));
  if (worker.random.one_in(2)) {
    kvm_userspace_memory_region slot = {0, static_cast<uint32_t>(worker.random.below(2)), 0, Pool::kArena,
                                        reinterpret_cast<uint64_t>(pool->arena)};
    ioctl(pool->vm[i], KVM_SET_USER_MEMORY_REGION, &slot);
  }
  place_program(worker);
  set_registers(worker, pool->vcpu[i]);
  step.result = 0;
}

void run_guest(Worker& worker) {
  const unsigned i = static_cast<unsigned>(worker.random.below(Pool::kMachines));
  if (worker.random.one_in(4)) {
    const bool at_once = worker.random.one_in(4);
    touched([&] { pool->run_area(i)->immediate_exit = at_once; });
  }
  for (unsigned n = static_cast<unsigned>(worker.random.below(20)); n > 0 && !trail->stop; n--) {
    const long result = request(worker, "RUN", pool->vcpu[i], KVM_RUN, worker.random.one_in(64) ? 1 : 0);
    trail->runs++;
    if (result == 0) trail->exits++;
    if (result && result != -EINTR) return;
  }
}

}  // namespace ring1::fuzz
