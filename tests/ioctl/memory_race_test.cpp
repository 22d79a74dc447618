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
