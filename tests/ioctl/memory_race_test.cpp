// SPDX-License-Identifier: GPL-2.0-only
// Memory that is taken away while the host is busy getting it for the guest. A page that is slow to come (userfaultfd)
// holds the host there for as long as the test likes.
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>

#include "check.h"
#include "memory.h"

using namespace ring1::ioctl_test;

namespace {

void needs_guest() { SKIP_UNLESS(options.guest, "no guest code wanted"); }

int run_alone(void* vcpu) {
  syscall(SYS_ioctl, static_cast<Vcpu*>(vcpu)->get(), KVM_RUN, 0);
  syscall(SYS_exit_group, 0);
  return 0;
}

}  // namespace

// The thread in KVM_RUN dies, likely while the host fetches the next page; another process with the same memory deletes
// their slot and goes on: what was fetched is no longer the guest's, and its next store must find nothing there.
TEST(memory_of_a_killed_run_is_not_kept) {
  needs_guest();
  constexpr size_t kSize = 16u << 20, kStride = 65536;
  unsigned caught = 0;
  for (unsigned attempt = 0; attempt < 10 && caught < 5; attempt++) {
    Watcher watcher;
    watcher.place(RealMode::kCode, {
                                       0xbf, 0x00, 0x00, 0x40, 0x00,        // mov edi, kBase
                                       0xc7, 0x07, 0x52, 0x49, 0x4e, 0x47,  // 1: mov dword [edi], kMark
                                       0x81, 0xc7, 0x00, 0x00, 0x01, 0x00,  // add edi, kStride
                                       0xeb, 0xf2,                          // jmp 1b
                                   });
    Memory memory(kSize);
    for (size_t at = 0; at < kSize; at += 4096) memory.data()[at] = 0;
    CHECK_EQ(watcher.attach(memory.data(), kSize), 0);
    const auto mark = [&memory](size_t at) { return reinterpret_cast<volatile uint32_t*>(memory.data() + at); };
    size_t reached = 0;
    {
      Sharer runner(run_alone, &watcher.vcpu);
      for (long turns = 0; !*mark(kStride * (2 + attempt)) && turns < 500'000'000; turns++) continue;
      runner.kill();
    }
    while (reached < kSize && *mark(reached) == Watcher::kMark) reached += kStride;
    CHECK(reached > kStride);
    if (reached == kSize) continue;  // it was at the end already
    caught++;
    CHECK_EQ(watcher.detach(), 0);
    CHECK_EQ(watcher.vcpu.run(), 0);
    CHECK_EQ(watcher.vcpu.shared->exit_reason, KVM_EXIT_MMIO);
    CHECK_EQ(watcher.vcpu.shared->mmio.phys_addr, Watcher::kBase + reached);
  }
  CHECK(caught);
}

// The same without chance: a page that does not come holds the host exactly there.
TEST(memory_of_a_killed_run_is_asked_for_again) {
  needs_guest();
  Watcher watcher;
  Waiting memory;
  CHECK_EQ(watcher.attach(memory.late(), Waiting::kSize), 0);
  {
    Sharer runner(run_alone, &watcher.vcpu);
    CHECK(memory.touched());
    runner.kill();
  }
  CHECK_EQ(watcher.detach(), 0);
  memory.unmap();
  CHECK_EQ(watcher.vcpu.run(), 0);
  CHECK_EQ(watcher.vcpu.shared->exit_reason, KVM_EXIT_MMIO);
  CHECK_EQ(watcher.vcpu.shared->mmio.phys_addr, Watcher::kBase);
}

// Who goes on may put the vCPU elsewhere first.
TEST(memory_of_a_killed_run_and_other_registers) {
  needs_guest();
  Watcher watcher;
  Waiting memory;
  constexpr uint16_t kOther = RealMode::kCode + 0x100;
  watcher.place(kOther, {0xe7, 0x82});  // out 0x82, eax
  CHECK_EQ(watcher.attach(memory.late(), Waiting::kSize), 0);
  {
    Sharer runner(run_alone, &watcher.vcpu);
    CHECK(memory.touched());
    runner.kill();
  }
  memory.supply();
  kvm_regs regs = watcher.vcpu.regs();
  regs.rip = kOther;
  CHECK_EQ(watcher.vcpu.call(KVM_SET_REGS, &regs), 0);
  CHECK(watcher.runs_to(0x82));
}

// The monitor may need a page before it has even taken over the registers; to be killed there is possible as well.
TEST(memory_of_a_killed_run_in_a_command) {
  needs_guest();
  for (const bool ran_before : {false, true}) {
    Watcher watcher;
    Waiting memory;
    CHECK_EQ(watcher.attach(memory.late(), Waiting::kSize), 0);
    watcher.place(RealMode::kCode, {0xe7, 0x81, 0xeb, 0xfc});  // 1: out 0x81, eax; jmp 1b
    if (ran_before) CHECK(watcher.writes());
    kvm_sregs sregs = watcher.vcpu.sregs();
    sregs.cr3 = Watcher::kBase;
    sregs.cr4 |= 0x20;
    sregs.cr0 |= 0x80000000;
    CHECK_EQ(watcher.vcpu.call(KVM_SET_SREGS, &sregs), 0);
    Sharer runner(run_alone, &watcher.vcpu);
    CHECK(memory.touched());
    runner.kill();
    runner.end();
  }
}

// And while the host waits for one page, another that the guest has already goes.
TEST(memory_goes_while_another_page_is_fetched) {
  needs_guest();
  Watcher watcher;
  Memory known(4096);
  Waiting waiting;
  std::memset(known.data(), 0x11, 4096);
  CHECK_EQ(watcher.attach(waiting.late(), Waiting::kSize), 0);
  kvm_userspace_memory_region region = {2, 0, 0x800000, 4096, known.address()};
  CHECK_EQ(watcher.vm.call(KVM_SET_USER_MEMORY_REGION, &region), 0);
  // movs from the page that is there to the one that is not: the reading is done when the host waits.
  watcher.place(RealMode::kCode, {0xbe, 0x00, 0x00, 0x80, 0x00, 0xbf, 0x00, 0x00, 0x40, 0x00,  // mov esi, mov edi
                                  0x8b, 0x06, 0xa5,                                            // mov eax, [esi]; movsd
                                  0xa1, 0x00, 0x00, 0x80, 0x00, 0xe7, 0x80});                  // mov eax, [..]; out
  Sharer runner(run_alone, &watcher.vcpu);
  CHECK(waiting.touched());
  CHECK_EQ(madvise(known.data(), 4096, MADV_DONTNEED), 0);
  known.data()[0] = 0x22;
  waiting.supply();
  runner.end();
  CHECK_EQ(watcher.vcpu.shared->exit_reason, KVM_EXIT_IO);
  CHECK_EQ(*watcher.vcpu.io_data(), 0x22);
}

// A slot that goes and comes again while the guest's instruction waits for a device.
TEST(memory_slot_replaced_during_an_mmio_exit) {
  needs_guest();
  Watcher watcher;
  Memory first(4096), second(4096);
  std::memset(second.data(), 0x22, 4096);
  CHECK_EQ(watcher.attach(first.data(), 4096), 0);
  // push dword [0x800000] with the stack in the slot; then tell what lies on it.
  watcher.place(RealMode::kCode, {0xbc, 0x10, 0x00, 0x40, 0x00, 0x6a, 0x01, 0x58,  // mov esp; push 1; pop eax
                                  0xff, 0x35, 0x00, 0x00, 0x80, 0x00,              // push dword [0x800000]
                                  0x58, 0xe7, 0x80,                                // pop eax; out 0x80, eax
                                  0xbf, 0x00, 0x00, 0x40, 0x00, 0xbe, 0x00, 0x00, 0x80, 0x00, 0xb9, 0x02, 0x00, 0x00, 0x00,
                                  0xf3, 0xa5,                                      // mov edi, esi, ecx; rep movsd
                                  0xe7, 0x81});
  const auto answer = [&](uint32_t value) {
    CHECK_EQ(watcher.vcpu.run(), 0);
    CHECK_EQ(watcher.vcpu.shared->exit_reason, KVM_EXIT_MMIO);
    CHECK_EQ(watcher.detach(), 0);
    CHECK_EQ(watcher.attach(second.data(), 4096), 0);
    std::memcpy(watcher.vcpu.shared->mmio.data, &value, sizeof value);
  };
  answer(0x12345678);
  CHECK_EQ(watcher.reads(), 0x12345678);
  answer(0xa);
  answer(0xb);
  CHECK(watcher.writes());
  uint32_t copied[2];
  std::memcpy(copied, second.data(), sizeof copied);
  CHECK_EQ(copied[0], 0xa);
  CHECK_EQ(copied[1], 0xb);
}

// What comes before the guest's first instruction needs memory as well, here for the page-directory pointers. Who is
// killed meanwhile gets none, and must not wait for it.
TEST(memory_of_a_killed_first_run) {
  needs_guest();
  Watcher watcher;
  Waiting memory;
  CHECK_EQ(watcher.attach(memory.late(), Waiting::kSize), 0);
  kvm_sregs sregs = watcher.vcpu.sregs();
  sregs.cr3 = Watcher::kBase;
  sregs.cr4 |= 1u << 5;
  sregs.cr0 |= 1u << 31;
  CHECK_EQ(watcher.vcpu.call(KVM_SET_SREGS, &sregs), 0);
  Sharer runner(run_alone, &watcher.vcpu);
  CHECK(memory.touched());
  runner.kill();
}
