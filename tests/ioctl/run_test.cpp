// SPDX-License-Identifier: GPL-2.0-only
// KVM_RUN and its exits, with a few bytes of real-mode code.
#include <sys/mman.h>

#include <cstring>

#include "check.h"
#include "include/ring1/api.h"
#include "machine.h"

using namespace ring1::ioctl_test;

namespace {

constexpr uint8_t kHlt = 0xf4, kNop = 0x90, kOutAl = 0xe6, kInAl = 0xe4, kMovAl = 0xb0, kLoadAl = 0xa0, kStoreAl = 0xa2;

void needs_guest() { SKIP_UNLESS(options.guest, "no guest code wanted"); }

}  // namespace

TEST(run_argument) {
  Vm vm;
  Vcpu vcpu(vm);
  CHECK_EQ(vcpu.call(KVM_RUN, 1ul), -EINVAL);
}

TEST(run_halt) {
  needs_guest();
  RealMode machine({kNop, kHlt});
  CHECK_EQ(machine.vcpu.run(), 0);
  CHECK_EQ(machine.vcpu.shared->exit_reason, KVM_EXIT_HLT);
  CHECK_EQ(machine.vcpu.regs().rip, RealMode::kCode + 2);
}

TEST(run_out) {
  needs_guest();
  RealMode machine({kMovAl, 0x5a, kOutAl, 0x42, kHlt});
  const kvm_run* run = machine.vcpu.shared;
  CHECK_EQ(machine.vcpu.run(), 0);
  CHECK_EQ(run->exit_reason, KVM_EXIT_IO);
  CHECK_EQ(run->io.direction, KVM_EXIT_IO_OUT);
  CHECK_EQ(run->io.port, 0x42);
  CHECK_EQ(run->io.size, 1);
  CHECK_EQ(run->io.count, 1);
  CHECK_EQ(*machine.vcpu.io_data(), 0x5a);
  CHECK_EQ(machine.vcpu.run(), 0);
  CHECK_EQ(run->exit_reason, KVM_EXIT_HLT);
}

TEST(run_in) {
  needs_guest();
  RealMode machine({kInAl, 0x43, kOutAl, 0x44, kHlt});
  const kvm_run* run = machine.vcpu.shared;
  CHECK_EQ(machine.vcpu.run(), 0);
  CHECK_EQ(run->exit_reason, KVM_EXIT_IO);
  CHECK_EQ(run->io.direction, KVM_EXIT_IO_IN);
  CHECK_EQ(run->io.port, 0x43);
  *machine.vcpu.io_data() = 0xa7;
  CHECK_EQ(machine.vcpu.run(), 0);
  CHECK_EQ(run->io.direction, KVM_EXIT_IO_OUT);
  CHECK_EQ(*machine.vcpu.io_data(), 0xa7);
}

TEST(run_in_ignores_what_user_space_scribbles) {
  needs_guest();
  RealMode machine({kInAl, 0x43, kOutAl, 0x44, kHlt});
  CHECK_EQ(machine.vcpu.run(), 0);
  *machine.vcpu.io_data() = 0x11;
  std::memset(&machine.vcpu.shared->io, 0xff, sizeof machine.vcpu.shared->io);
  machine.vcpu.shared->exit_reason = 0xffffffff;
  const long ret = machine.vcpu.run();
  CHECK_EQ(ret, 0);
  CHECK_EQ(machine.vcpu.shared->io.port, 0x44);
  CHECK_EQ(*machine.vcpu.io_data(), 0x11);
}

TEST(run_memory) {
  needs_guest();
  RealMode machine({kLoadAl, 0x00, 0x30, kStoreAl, 0x00, 0x40, kHlt});
  machine.memory.data()[0x3000] = 0x77;
  CHECK_EQ(machine.vcpu.run(), 0);
  CHECK_EQ(machine.vcpu.shared->exit_reason, KVM_EXIT_HLT);
  CHECK_EQ(machine.memory.data()[0x4000], 0x77);
}

TEST(run_mmio) {
  needs_guest();
  RealMode machine({kMovAl, 0x5a, kStoreAl, 0x10, 0x00, kLoadAl, 0x20, 0x00, kOutAl, 0x42, kHlt});
  kvm_sregs sregs = machine.vcpu.sregs();
  sregs.ds.base = 0xd0000;
  sregs.ds.selector = 0xd000;
  CHECK_EQ(machine.vcpu.call(KVM_SET_SREGS, &sregs), 0);
  kvm_run* run = machine.vcpu.shared;
  CHECK_EQ(machine.vcpu.run(), 0);
  CHECK_EQ(run->exit_reason, KVM_EXIT_MMIO);
  CHECK_EQ(run->mmio.phys_addr, 0xd0010);
  CHECK_EQ(run->mmio.len, 1);
  CHECK_EQ(run->mmio.is_write, 1);
  CHECK_EQ(run->mmio.data[0], 0x5a);
  CHECK_EQ(machine.vcpu.run(), 0);
  CHECK_EQ(run->exit_reason, KVM_EXIT_MMIO);
  CHECK_EQ(run->mmio.phys_addr, 0xd0020);
  CHECK_EQ(run->mmio.is_write, 0);
  run->mmio.data[0] = 0xc3;
  CHECK_EQ(machine.vcpu.run(), 0);
  CHECK_EQ(run->exit_reason, KVM_EXIT_IO);
  CHECK_EQ(*machine.vcpu.io_data(), 0xc3);
}

TEST(run_readonly_slot) {
  needs_guest();
  RealMode machine({kLoadAl, 0x00, 0x00, kStoreAl, 0x01, 0x00, kHlt});
  Memory rom(4096);
  rom.data()[0] = 0x99;
  CHECK_EQ(machine.vm.set_region(1, 0xf0000, rom, 4096, KVM_MEM_READONLY), 0);
  kvm_sregs sregs = machine.vcpu.sregs();
  sregs.ds.base = 0xf0000;
  sregs.ds.selector = 0xf000;
  CHECK_EQ(machine.vcpu.call(KVM_SET_SREGS, &sregs), 0);
  CHECK_EQ(machine.vcpu.run(), 0);
  CHECK_EQ(machine.vcpu.shared->exit_reason, KVM_EXIT_MMIO);
  CHECK_EQ(machine.vcpu.shared->mmio.phys_addr, 0xf0001);
  CHECK_EQ(machine.vcpu.shared->mmio.is_write, 1);
  CHECK_EQ(machine.vcpu.shared->mmio.data[0], 0x99);
  CHECK_EQ(machine.vcpu.run(), 0);
  CHECK_EQ(machine.vcpu.shared->exit_reason, KVM_EXIT_HLT);
  CHECK_EQ(rom.data()[1], 0);
}

TEST(run_slot_comes_and_goes) {
  needs_guest();
  RealMode machine({kLoadAl, 0x00, 0x00, kOutAl, 0x42, 0xeb, 0xf9});
  kvm_sregs sregs = machine.vcpu.sregs();
  sregs.ds.base = 0xe0000;
  sregs.ds.selector = 0xe000;
  CHECK_EQ(machine.vcpu.call(KVM_SET_SREGS, &sregs), 0);
  kvm_run* run = machine.vcpu.shared;
  Memory first(4096), second(4096);
  first.data()[0] = 1;
  second.data()[0] = 2;
  for (int round = 0; round < 3; round++) {
    CHECK_EQ(machine.vcpu.run(), 0);
    CHECK_EQ(run->exit_reason, KVM_EXIT_MMIO);
    run->mmio.data[0] = 9;
    CHECK_EQ(machine.vcpu.run(), 0);
    CHECK_EQ(run->exit_reason, KVM_EXIT_IO);
    CHECK_EQ(*machine.vcpu.io_data(), 9);
    for (const Memory* memory : {&first, &second}) {
      CHECK_EQ(machine.vm.set_region(1, 0xe0000, *memory, 4096), 0);
      CHECK_EQ(machine.vcpu.run(), 0);
      CHECK_EQ(run->exit_reason, KVM_EXIT_IO);
      CHECK_EQ(*machine.vcpu.io_data(), memory->data()[0]);
      CHECK_EQ(machine.vm.set_region(1, 0xe0000, *memory, 0), 0);
    }
  }
}

TEST(run_shutdown) {
  needs_guest();
  RealMode machine({0x0f, 0x01, 0x1e, 0x00, 0x20, 0xcd, 0x03});  // lidt with limit 0, int 3
  CHECK_EQ(machine.vcpu.run(), 0);
  CHECK_EQ(machine.vcpu.shared->exit_reason, KVM_EXIT_SHUTDOWN);
}

TEST(run_immediate_exit) {
  needs_guest();
  RealMode machine({kInAl, 0x43, kNop, kHlt});
  kvm_run* run = machine.vcpu.shared;
  run->immediate_exit = 1;
  CHECK_EQ(machine.vcpu.run(), -EINTR);
  CHECK_EQ(machine.vcpu.regs().rip, RealMode::kCode);
  run->immediate_exit = 0;
  CHECK_EQ(machine.vcpu.run(), 0);
  CHECK_EQ(run->exit_reason, KVM_EXIT_IO);
  *machine.vcpu.io_data() = 0x3c;
  run->immediate_exit = 1;
  CHECK_EQ(machine.vcpu.run(), -EINTR);  // completes the instruction, executes no other
  CHECK_EQ(machine.vcpu.regs().rip, RealMode::kCode + 2);
  CHECK_EQ(machine.vcpu.regs().rax & 0xff, 0x3c);
  run->immediate_exit = 0;
  CHECK_EQ(machine.vcpu.run(), 0);
  CHECK_EQ(run->exit_reason, KVM_EXIT_HLT);
}

TEST(run_unbacked_code) {
  needs_guest();
  Vm vm;
  Vcpu vcpu(vm);
  vcpu.run();  // the reset vector without memory: an error or nothing, never harm
  vcpu.run();
}

TEST(run_two_vms) {
  needs_guest();
  RealMode first({kMovAl, 1, kOutAl, 0x42, 0xeb, 0xfa}), second({kMovAl, 2, kOutAl, 0x42, 0xeb, 0xfa});
  for (int i = 0; i < 20; i++) {
    CHECK_EQ(first.vcpu.run(), 0);
    CHECK_EQ(*first.vcpu.io_data(), 1);
    CHECK_EQ(second.vcpu.run(), 0);
    CHECK_EQ(*second.vcpu.io_data(), 2);
  }
}

TEST(run_cpuid_is_fixed_afterwards) {
  needs_guest();
  RealMode machine({kHlt});
  CpuidList list;
  list.head().nent = 256;
  CHECK_EQ(machine.vm.device.call(kGetSupportedCpuid, list.address()), 0);
  CHECK_EQ(machine.vcpu.call(kSetCpuid2, list.address()), 0);
  CHECK_EQ(machine.vcpu.run(), 0);
  CHECK_EQ(machine.vcpu.call(kSetCpuid2, list.address()), 0);
  list.entries()[0].eax ^= 1;
  if (machine.vm.device.is_ring1()) CHECK_EQ(machine.vcpu.call(kSetCpuid2, list.address()), -EINVAL);
}

// 32-bit code reaches the end of its 4 GiB, and behind that the beginning.
TEST(run_across_four_gigabytes) {
  needs_guest();
  RealMode machine({0xa1, 0xfe, 0xff, 0xff, 0xff,                    // mov eax, [0xfffffffe]
                    0xe7, 0x42,                                      // out 0x42, eax
                    0xc7, 0x05, 0xfe, 0xff, 0xff, 0xff, 1, 2, 3, 4,  // mov dword [0xfffffffe], 0x04030201
                    0xe7, 0x42});
  Memory top(4096);
  CHECK_EQ(machine.vm.set_region(1, 0xfffff000, top, 4096), 0);
  machine.enter_protected_mode();
  machine.place(0, {0x33, 0x44, 0x55});
  top.data()[4094] = 0x11;
  top.data()[4095] = 0x22;
  CHECK_EQ(machine.vcpu.run(), 0);
  if (!CHECK_EQ(machine.vcpu.shared->exit_reason, KVM_EXIT_IO)) return;
  if (!CHECK_EQ(machine.vcpu.regs().rax, 0x44332211)) return;
  CHECK_EQ(machine.vcpu.run(), 0);
  CHECK_EQ(machine.vcpu.shared->exit_reason, KVM_EXIT_IO);
  CHECK_EQ(top.data()[4095], 2);
  CHECK_EQ(machine.memory.data()[0], 3);
  CHECK_EQ(machine.memory.data()[1], 4);
  CHECK_EQ(machine.memory.data()[2], 0x55);
}

// Segments of user code that no processor accepts: that is the guest's end, not the monitor's.
TEST(run_refused_segments) {
  needs_guest();
  SKIP_UNLESS(options.machine_type == RING1_VM_TYPE(RING1_ENGINE_BT), "another engine");
  RealMode machine({kNop, 0xeb, 0xfe});
  machine.enter_protected_mode();
  kvm_run* run = machine.vcpu.shared;
  kvm_sregs good = machine.vcpu.sregs();
  for (kvm_segment* segment : {&good.cs, &good.ss, &good.ds, &good.es, &good.fs, &good.gs})
    segment->dpl = 3, segment->selector |= 3;
  for (int which = 0; which < 3; which++) {
    kvm_sregs bad = good;
    if (which == 0) bad.cs.type = 3;                        // data: IRETQ
    if (which == 1) bad.ds.dpl = 0;                         // MOV DS
    if (which == 2) bad.cs.type = 3, bad.ss.db = 0;         // IRETQ on the narrow stack
    CHECK_EQ(machine.vcpu.call(KVM_SET_SREGS, &bad), 0);
    CHECK_EQ(machine.vcpu.run(), 0);
    CHECK_EQ(run->exit_reason, KVM_EXIT_INTERNAL_ERROR);
  }
  // It still runs what can be run.
  machine.place(RealMode::kCode, {kMovAl, 0x5a, kOutAl, 0x42});
  machine.start_at(RealMode::kCode);
  machine.enter_protected_mode();
  CHECK_EQ(machine.vcpu.run(), 0);
  CHECK_EQ(run->exit_reason, KVM_EXIT_IO);
}

// The kernel refuses a page of the guest: an error of KVM_RUN, and no instruction's fault. With the memory there again the
// guest goes on.
TEST(run_in_memory_that_went) {
  needs_guest();
  RealMode machine({kNop, kHlt});
  CHECK_EQ(mprotect(machine.memory.data(), machine.memory.size(), PROT_NONE), 0);
  CHECK_EQ(machine.vcpu.run(), -EFAULT);
  CHECK_EQ(mprotect(machine.memory.data(), machine.memory.size(), PROT_READ | PROT_WRITE), 0);
  CHECK_EQ(machine.vcpu.run(), 0);
  CHECK_EQ(machine.vcpu.shared->exit_reason, KVM_EXIT_HLT);
}
