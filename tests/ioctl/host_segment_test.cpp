// SPDX-License-Identifier: GPL-2.0-only
// The caller's own segment registers across KVM_RUN: kept, and where their descriptor has gone meanwhile null, as after a
// context switch. Nothing that user space loads there may hurt the host on its way back from the monitor.
#include <asm/ldt.h>
#include <asm/prctl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

#include "check.h"
#include "machine.h"
#include "raw_call.h"

using namespace ring1::ioctl_test;

namespace {

constexpr uint8_t kOutAndAgain[] = {0xe6, 0x80, 0xeb, 0xfc};
constexpr uint16_t kLdtEntry = 7;  // entry 0, privilege 3
constexpr uint16_t kFlatData = 0x2b;  // Linux' __USER_DS, in DS and ES of 32-bit programs
constexpr long kSetThreadArea32 = 243;  // i386's number
constexpr uint64_t kBase = 0x12345000;

// Entry 0 of the process's LDT: flat data with this base.
user_desc present(unsigned base = 0) {
  user_desc entry = {};
  entry.base_addr = base;
  entry.limit = 0xfffff;
  entry.seg_32bit = entry.limit_in_pages = entry.useable = 1;
  return entry;
}

user_desc absent() {
  user_desc entry = {};
  entry.read_exec_only = entry.seg_not_present = 1;
  return entry;
}

[[gnu::always_inline]] inline long write_ldt(const user_desc& entry) {
  return raw_call(SYS_modify_ldt, 0x11, reinterpret_cast<long>(&entry), sizeof entry);
}

// The machine leaves for a port each time.
struct Runner {
  Runner() : machine({kOutAndAgain[0], kOutAndAgain[1], kOutAndAgain[2], kOutAndAgain[3]}) {
    SKIP_UNLESS(options.guest, "no guest code wanted");
    // With one, Linux makes its LOCK prefixes DS prefixes, and QEMU adds the base of this DS (docs/debugging.md).
    SKIP_UNLESS(sysconf(_SC_NPROCESSORS_ONLN) > 1, "needs two processors");
    CHECK_EQ(machine.vcpu.run(), 0);
  }
  [[gnu::always_inline]] long run() const { return raw_call(SYS_ioctl, machine.vcpu.get(), KVM_RUN); }
  RealMode machine;
};

enum Segment { kDs, kEs, kFs, kGs };

[[gnu::always_inline]] inline void load(Segment which, uint16_t selector) {
  switch (which) {
    case kDs: asm volatile("mov %0, %%ds" : : "r"(selector) : "memory"); break;
    case kEs: asm volatile("mov %0, %%es" : : "r"(selector) : "memory"); break;
    case kFs: asm volatile("mov %0, %%fs" : : "r"(selector) : "memory"); break;
    case kGs: asm volatile("mov %0, %%gs" : : "r"(selector) : "memory"); break;
  }
}

[[gnu::always_inline]] inline uint16_t store(Segment which) {
  uint16_t selector = 0;
  switch (which) {
    case kDs: asm volatile("mov %%ds, %0" : "=r"(selector) : : "memory"); break;
    case kEs: asm volatile("mov %%es, %0" : "=r"(selector) : : "memory"); break;
    case kFs: asm volatile("mov %%fs, %0" : "=r"(selector) : : "memory"); break;
    case kGs: asm volatile("mov %%gs, %0" : "=r"(selector) : : "memory"); break;
  }
  return selector;
}

[[gnu::always_inline]] inline uint64_t base(Segment which) {
  uint64_t value = 0;
  raw_call(SYS_arch_prctl, which == kFs ? ARCH_GET_FS : ARCH_GET_GS, reinterpret_cast<long>(&value));
  return value;
}

struct Outcome {
  long result;
  uint16_t selector;
  uint64_t base;
};

// KVM_RUN with a selector in one register; `between` happens after it is loaded. The library's FS comes back.
template <class F>
[[gnu::always_inline]] inline Outcome run_with(const Runner& runner, Segment which, uint16_t selector, F between) {
  const uint64_t library = base(kFs);
  const uint16_t before = store(which);
  load(which, selector);
  between();
  Outcome outcome;
  outcome.result = runner.run();
  outcome.selector = store(which);
  outcome.base = which >= kFs ? base(which) : 0;
  load(which, before);
  raw_call(SYS_arch_prctl, ARCH_SET_FS, static_cast<long>(library));
  return outcome;
}

constexpr Segment kAll[] = {kDs, kEs, kFs, kGs};

}  // namespace

TEST(host_segment_stays) {
  Runner runner;
  const user_desc entry = present(kBase);
  for (Segment which : kAll) {
    CHECK_EQ(write_ldt(entry), 0);
    const Outcome outcome = run_with(runner, which, kLdtEntry, [] {});
    CHECK_EQ(outcome.result, 0);
    CHECK_EQ(outcome.selector, kLdtEntry);
    if (which >= kFs) CHECK_EQ(outcome.base, kBase);
    CHECK_EQ(run_with(runner, which, kFlatData, [] {}).selector, kFlatData);
  }
}

TEST(host_segment_whose_descriptor_went) {
  Runner runner;
  const user_desc entry = present(kBase), none = absent();
  for (Segment which : kAll) {
    CHECK_EQ(write_ldt(entry), 0);
    const Outcome outcome = run_with(runner, which, kLdtEntry, [&none] { write_ldt(none); });
    CHECK_EQ(outcome.result, 0);
    CHECK_EQ(outcome.selector & ~3, 0);
  }
}

// What a load takes from the descriptor is not what the register holds.
TEST(host_segment_whose_descriptor_became_code) {
  Runner runner;
  const user_desc entry = present();
  user_desc code = present();
  code.contents = MODIFY_LDT_CONTENTS_CODE;
  code.read_exec_only = 1;
  for (Segment which : kAll) {
    CHECK_EQ(write_ldt(entry), 0);
    const Outcome outcome = run_with(runner, which, kLdtEntry, [&code] { write_ldt(code); });
    CHECK_EQ(outcome.result, 0);
    CHECK_EQ(outcome.selector & ~3, 0);
  }
}

TEST(host_segment_null_with_a_base) {
  Runner runner;
  for (Segment which : {kFs, kGs}) {
    const Outcome outcome = run_with(runner, which, 0, [which] {
      raw_call(SYS_arch_prctl, which == kFs ? ARCH_SET_FS : ARCH_SET_GS, kBase);
    });
    CHECK_EQ(outcome.result, 0);
    CHECK_EQ(outcome.selector, 0);
    CHECK_EQ(outcome.base, kBase);
  }
}

// Descriptors that the kernel keeps in the GDT for this thread, as 32-bit programs use them.
TEST(host_segment_of_the_thread) {
  Runner runner;
  void* low = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  CHECK(low != MAP_FAILED);
  user_desc& entry = *static_cast<user_desc*>(low);
  for (Segment which : kAll) {
    entry = present(kBase);
    entry.entry_number = -1u;
    const long ret = raw_call32(kSetThreadArea32, reinterpret_cast<long>(low));
    SKIP_UNLESS(ret != -ENOSYS, "no 32-bit system calls");
    CHECK_EQ(ret, 0);
    const auto selector = static_cast<uint16_t>(entry.entry_number * 8 + 3);
    const Outcome kept = run_with(runner, which, selector, [] {});
    CHECK_EQ(kept.result, 0);
    CHECK_EQ(kept.selector, selector);
    if (which >= kFs) CHECK_EQ(kept.base, kBase);
    const unsigned number = entry.entry_number;
    const Outcome gone = run_with(runner, which, selector, [&entry, number, low] {
      entry = absent();
      entry.entry_number = number;
      raw_call32(kSetThreadArea32, reinterpret_cast<long>(low));
    });
    CHECK_EQ(gone.result, 0);
    CHECK_EQ(gone.selector & ~3, 0);
  }
  munmap(low, 4096);
}

// Another thread takes the descriptor away while the guest is entered and left.
TEST(host_segment_beside_modify_ldt) {
  Runner runner;
  const user_desc entry = present(), none = absent();
  std::atomic<bool> loaded{false}, over{false};
  auto take_away = [&] {
    while (!over) {
      if (!loaded) continue;
      write_ldt(none);
      loaded = false;
    }
  };
  pthread_t thread;
  pthread_create(
      &thread, nullptr,
      [](void* f) -> void* {
        (*static_cast<decltype(take_away)*>(f))();
        return nullptr;
      },
      &take_away);
  long failures = 0;
  for (int i = 0; i < 50; i++) {
    failures += write_ldt(entry) != 0;
    load(kGs, kLdtEntry);
    loaded = true;
    while (loaded) failures += runner.run() != 0;
    failures += runner.run() != 0;
    load(kGs, 0);
  }
  over = true;
  pthread_join(thread, nullptr);
  CHECK_EQ(failures, 0);
}
