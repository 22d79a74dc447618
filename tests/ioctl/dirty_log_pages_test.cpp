// SPDX-License-Identifier: GPL-2.0-only
// KVM_GET_DIRTY_LOG against a copy of the memory of a guest that writes everywhere, in every way.
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "check.h"
#include "dirty_log.h"

using namespace ring1::ioctl_test;

namespace {

// A 32-bit guest with paging: all memory is mapped at its own address and again 16 MiB higher. It writes four bytes at
// pseudo-random places through both, by stores, read-modify-write, string instructions, pushes and SSE, and halts each
// time `ecx` of them are done.
class Scribbler {
 public:
  static constexpr uint64_t kCode = 0x1000, kDirectory = 0x2000, kTables = 0x3000, kPages = 1024;
  static constexpr uint64_t kCopies = 16 << 20;

  // Of the tables' entries: present, writable, user; and with Accessed and Dirty already set, so that no walk writes
  // them.
  static constexpr uint32_t kFresh = 7, kWalked = 0x67;

  explicit Scribbler(uint32_t entry = kWalked) : memory(kPages * kPage), vcpu(vm) {
    CHECK_EQ(vm.set_region(0, 0, memory, memory.size()), 0);
    static const uint8_t code[] = {
        0x69, 0xdb, 0x6d, 0x4e, 0xc6, 0x41,  // imul $0x41c64e6d,%ebx,%ebx
        0x81, 0xc3, 0x39, 0x30, 0x00, 0x00,  // add $0x3039,%ebx
        0x89, 0xdf,                          // mov %ebx,%edi
        0xc1, 0xef, 0x08,                    // shr $0x8,%edi
        0x81, 0xe7, 0xfc, 0xff, 0x3f, 0x00,  // and $0x3ffffc,%edi
        0x81, 0xcf, 0x00, 0x00, 0x01, 0x00,  // or $0x10000,%edi
        0xf7, 0xc3, 0x00, 0x00, 0x00, 0x80,  // test $0x80000000,%ebx
        0x74, 0x06,                          // je 2b <next+0x2b>
        0x81, 0xc7, 0x00, 0x00, 0x00, 0x01,  // add $0x1000000,%edi
        0x89, 0xd8,                          // mov %ebx,%eax
        0xc1, 0xe8, 0x1b,                    // shr $0x1b,%eax
        0x83, 0xe0, 0x07,                    // and $0x7,%eax
        0x74, 0x19,                          // je 4e <store>
        0x48,                                // dec %eax
        0x74, 0x1a,                          // je 52 <adding>
        0x48,                                // dec %eax
        0x74, 0x1b,                          // je 56 <stos>
        0x48,                                // dec %eax
        0x74, 0x1b,                          // je 59 <pushing>
        0x48,                                // dec %eax
        0x74, 0x22,                          // je 63 <exchange>
        0x48,                                // dec %eax
        0x74, 0x25,                          // je 69 <bit>
        0x66, 0x0f, 0x6e, 0xc3,              // movd %ebx,%xmm0
        0xf3, 0x0f, 0x11, 0x07,              // movss %xmm0,(%edi)
        0xeb, 0x20,                          // jmp 6e <done>
        0x89, 0x1f,                          // mov %ebx,(%edi)
        0xeb, 0x1c,                          // jmp 6e <done>
        0x01, 0x1f,                          // add %ebx,(%edi)
        0xeb, 0x18,                          // jmp 6e <done>
        0xab,                                // stos %eax,%es:(%edi)
        0xeb, 0x15,                          // jmp 6e <done>
        0x89, 0xe6,                          // mov %esp,%esi
        0x8d, 0x67, 0x04,                    // lea 0x4(%edi),%esp
        0x53,                                // push %ebx
        0x89, 0xf4,                          // mov %esi,%esp
        0xeb, 0x0b,                          // jmp 6e <done>
        0x89, 0xd8,                          // mov %ebx,%eax
        0x87, 0x07,                          // xchg %eax,(%edi)
        0xeb, 0x05,                          // jmp 6e <done>
        0xf0, 0x0f, 0xba, 0x2f, 0x05,        // lock btsl $0x5,(%edi)
        0x49,                                // dec %ecx
        0x75, 0x8f,                          // jne 0 <next>
        0xf4,                                // hlt
        0xeb, 0x8c,                          // jmp 0 <next>
    };
    std::memcpy(memory.data() + kCode, code, sizeof code);
    for (uint32_t half = 0; half < 2; half++) {
      put(kDirectory + half * kCopies / (4 << 20) * 4, static_cast<uint32_t>(kTables + half * kPage) | entry);
      for (uint32_t i = 0; i < 1024; i++) put(kTables + half * kPage + 4 * i, i << 12 | entry);
    }
    kvm_sregs sregs = vcpu.sregs();
    kvm_segment flat{};
    flat.limit = 0xffffffff;
    flat.selector = 0x10;
    flat.type = 3;
    flat.present = flat.db = flat.s = flat.g = 1;
    sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = sregs.cs = flat;
    sregs.cs.selector = 8;
    sregs.cs.type = 11;
    sregs.cr0 = 0x80010011;
    sregs.cr3 = kDirectory;
    sregs.cr4 |= 0x200;
    CHECK_EQ(vcpu.call(KVM_SET_SREGS, &sregs), 0);
    kvm_regs regs{};
    regs.rip = kCode;
    regs.rsp = 0xf000;
    regs.rbx = 1;
    regs.rflags = 2;
    CHECK_EQ(vcpu.call(KVM_SET_REGS, &regs), 0);
  }
  void put(uint64_t where, uint32_t value) { std::memcpy(memory.data() + where, &value, 4); }
  void run(uint32_t writes) {
    kvm_regs regs = vcpu.regs();
    regs.rcx = writes;
    CHECK_EQ(vcpu.call(KVM_SET_REGS, &regs), 0);
    CHECK_EQ(vcpu.run(), 0);
    CHECK_EQ(vcpu.shared->exit_reason, KVM_EXIT_HLT);
  }

  Memory memory;
  Vm vm;
  Vcpu vcpu;
};

}  // namespace

TEST(dirty_log_misses_nothing) {
  SKIP_UNLESS(options.guest, "no guest code wanted");
  Scribbler guest;
  guest.run(3000);  // some pages are mapped before logging begins
  const auto size = guest.memory.size();
  std::vector<uint8_t> copy(guest.memory.data(), guest.memory.data() + size);
  CHECK_EQ(guest.vm.set_region(0, 0, guest.memory, size, KVM_MEM_LOG_DIRTY_PAGES), 0);
  for (const uint32_t writes : {1u, 10u, 200u, 3000u, 0u, 50u}) {
    if (writes) guest.run(writes);
    uint64_t bitmap[Scribbler::kPages / 64];
    CHECK_EQ(read_log(guest.vm, 0, bitmap), 0);
    unsigned missed = 0, reported = 0, changed = 0;
    for (uint64_t page = 0; page < Scribbler::kPages; page++) {
      const bool dirty = bitmap[page / 64] >> page % 64 & 1;
      const bool differs = std::memcmp(copy.data() + page * kPage, guest.memory.data() + page * kPage, kPage) != 0;
      missed += differs && !dirty;
      changed += differs;
      reported += dirty;
      if (dirty) std::memcpy(copy.data() + page * kPage, guest.memory.data() + page * kPage, kPage);
    }
    CHECK_EQ(missed, 0u);
    CHECK(changed >= writes / 20);
    CHECK(reported <= writes + 3);  // some processors walk tables as if they wrote them (APM 2 15.25.5)
    CHECK(std::memcmp(copy.data(), guest.memory.data(), size) == 0);
  }
}

// The Accessed and Dirty bits that walks of the guest's tables set are writes to its memory like any other.
TEST(dirty_log_has_what_walks_write) {
  SKIP_UNLESS(options.guest, "no guest code wanted");
  Scribbler guest(Scribbler::kFresh);
  const auto size = guest.memory.size();
  const std::vector<uint8_t> before(guest.memory.data(), guest.memory.data() + size);
  CHECK_EQ(guest.vm.set_region(0, 0, guest.memory, size, KVM_MEM_LOG_DIRTY_PAGES), 0);
  guest.run(200);
  uint64_t bitmap[Scribbler::kPages / 64];
  CHECK_EQ(read_log(guest.vm, 0, bitmap), 0);
  for (const uint64_t table : {Scribbler::kDirectory, Scribbler::kTables, Scribbler::kTables + kPage}) {
    const uint64_t page = table / kPage;
    CHECK(std::memcmp(before.data() + table, guest.memory.data() + table, kPage) != 0);
    CHECK(bitmap[page / 64] >> page % 64 & 1);
  }
}

// Read again and again while the guest runs: what it wrote between two readings is in one of them.
TEST(dirty_log_while_it_runs) {
  SKIP_UNLESS(options.guest, "no guest code wanted");
  constexpr uint32_t kWrites = 200000;
  constexpr unsigned kEnough = 2000;
  Scribbler guest;
  const auto size = guest.memory.size();
  const std::vector<uint8_t> before(guest.memory.data(), guest.memory.data() + size);
  CHECK_EQ(guest.vm.set_region(0, 0, guest.memory, size, KVM_MEM_LOG_DIRTY_PAGES), 0);
  std::atomic<bool> halted = false;
  std::thread runner([&] {
    guest.run(kWrites);
    halted = true;
  });
  uint64_t seen[Scribbler::kPages / 64] = {};
  unsigned readings = 0;
  for (bool last = false; !last; readings++) {
    last = halted;
    uint64_t bitmap[Scribbler::kPages / 64];
    CHECK_EQ(read_log(guest.vm, 0, bitmap), 0);
    for (unsigned i = 0; i < Scribbler::kPages / 64; i++) seen[i] |= bitmap[i];
    // Each reading takes the guest from its processor: on a slow one it would never get anywhere.
    if (readings > kEnough) usleep(readings - kEnough);
  }
  runner.join();
  CHECK(readings > 1);
  unsigned missed = 0;
  for (uint64_t page = 0; page < Scribbler::kPages; page++) {
    const bool differs = std::memcmp(before.data() + page * kPage, guest.memory.data() + page * kPage, kPage) != 0;
    missed += differs && !(seen[page / 64] >> page % 64 & 1);
  }
  CHECK_EQ(missed, 0u);
}
