// SPDX-License-Identifier: GPL-2.0-only
// A guest that stops with each flag set. That the host has none of them then, tests/kernel/flags_probe.c sees.
#include <signal.h>
#include <sys/time.h>

#include "check.h"
#include "machine.h"

using namespace ring1::ioctl_test;

namespace {

constexpr uint64_t kTf = 1 << 8, kDf = 1 << 10, kIopl = 3 << 12, kNt = 1 << 14, kRf = 1 << 16, kAc = 1 << 18, kId = 1 << 21;
constexpr uint64_t kFlags[] = {kAc, kDf, kNt, kRf, kIopl, kId, kAc | kDf | kNt | kIopl | kId, kTf | kAc};
constexpr uint64_t kCheckable = kAc | kDf | kNt | kIopl | kId;

// A signal when 20 ms of processor time are used up; until then the guest meets the host's physical interrupts.
class Limit {
 public:
  Limit() {
    struct sigaction action = {};
    action.sa_handler = [](int) {};
    sigaction(SIGPROF, &action, nullptr);
    const itimerval timer = {{0, 20000}, {0, 20000}};
    setitimer(ITIMER_PROF, &timer, nullptr);
  }
  ~Limit() {
    const itimerval off = {};
    setitimer(ITIMER_PROF, &off, nullptr);
  }
};

void set_flags(RealMode& machine, uint64_t flags) {
  machine.enter_protected_mode();
  machine.start_at(RealMode::kCode, flags | 2);
}

}  // namespace

TEST(host_flags_at_an_exit) {
  SKIP_UNLESS(options.guest, "no guest code wanted");
  for (uint64_t flags : kFlags) {
    RealMode machine({0xe6, 0x80, 0xeb, 0xfc});  // out; again
    set_flags(machine, flags);
    for (int i = 0; i < 3; i++) CHECK_EQ(machine.vcpu.run(), 0);
    if (!(flags & kTf)) CHECK_EQ(machine.vcpu.regs().rflags & kCheckable, flags & kCheckable);
  }
}

TEST(host_flags_at_an_interrupt) {
  SKIP_UNLESS(options.guest, "no guest code wanted");
  for (uint64_t flags : kFlags) {
    if (flags & kTf) continue;
    RealMode machine({0xeb, 0xfe});
    set_flags(machine, flags);
    Limit limit;
    CHECK_EQ(machine.vcpu.run(), -EINTR);
    CHECK_EQ(machine.vcpu.regs().rflags & kCheckable, flags & kCheckable);
  }
}
