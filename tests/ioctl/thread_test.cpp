// SPDX-License-Identifier: GPL-2.0-only
// Signals and other threads while the guest runs.
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

#include "check.h"
#include "machine.h"

using namespace ring1::ioctl_test;

namespace {

void needs_guest() { SKIP_UNLESS(options.guest, "no guest code wanted"); }

void milliseconds(long count) {
  const timespec time = {count / 1000, count % 1000 * 1000000};
  nanosleep(&time, nullptr);
}

std::atomic<int> handled;

void handle(int) { handled++; }

void install_handler() {
  struct sigaction action = {};
  action.sa_handler = handle;
  sigaction(SIGUSR1, &action, nullptr);
  handled = 0;
}

// Runs `function` in another thread after a while; joins it at the end.
class Later {
 public:
  template <class F>
  Later(F& function, long delay = 50)
      : delay_(delay), context_(&function), call_([](void* f) { (*static_cast<F*>(f))(); }) {
    pthread_create(&thread_, nullptr, start, this);
  }
  ~Later() { pthread_join(thread_, nullptr); }

 private:
  static void* start(void* self) {
    auto* later = static_cast<Later*>(self);
    milliseconds(later->delay_);
    later->call_(later->context_);
    return nullptr;
  }
  long delay_;
  void* context_;
  void (*call_)(void*);
  pthread_t thread_;
};

}  // namespace

namespace {

void interrupt_with_signals(RealMode& machine) {
  install_handler();
  const pthread_t self = pthread_self();
  for (int i = 0; i < 5; i++) {
    auto kill = [self] { pthread_kill(self, SIGUSR1); };
    Later later(kill, 20);
    CHECK_EQ(machine.vcpu.run(), -EINTR);
    CHECK_EQ(machine.vcpu.shared->exit_reason, KVM_EXIT_INTR);
    CHECK_EQ(machine.vcpu.regs().rip, RealMode::kCode);
  }
  CHECK_EQ(handled.load(), 5);
}

}  // namespace

TEST(thread_signal_interrupts_protected_mode) {
  needs_guest();
  RealMode machine({0xeb, 0xfe});
  machine.enter_protected_mode();
  interrupt_with_signals(machine);
}

TEST(thread_signal_interrupts_real_mode) {
  needs_guest();
  RealMode machine({0xeb, 0xfe});
  interrupt_with_signals(machine);
}

TEST(thread_signal_interrupts_a_halt) {
  needs_guest();
  install_handler();
  RealMode machine({0xf4}, RealMode::kIrqchip);
  const pthread_t self = pthread_self();
  auto kill = [self] { pthread_kill(self, SIGUSR1); };
  kvm_mp_state state = {};
  // On a slow machine the first signal may come before the instruction.
  for (unsigned i = 0; i < 10 && state.mp_state != KVM_MP_STATE_HALTED; i++) {
    Later later(kill);
    CHECK_EQ(machine.vcpu.run(), -EINTR);
    CHECK_EQ(machine.vcpu.call(KVM_GET_MP_STATE, &state), 0);
  }
  CHECK_EQ(state.mp_state, KVM_MP_STATE_HALTED);
}

TEST(thread_signal_mask) {
  needs_guest();
  install_handler();
  RealMode machine({0xeb, 0xfe});
  List<kvm_signal_mask, uint8_t, 8> mask;
  mask.head().len = 4;
  CHECK_EQ(machine.vcpu.call(kSetSignalMask, mask.address()), -EINVAL);
  mask.head().len = 8;
  CHECK_EQ(machine.vcpu.call(kSetSignalMask, mask.address()), 0);  // all signals open inside KVM_RUN
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  pthread_kill(pthread_self(), SIGUSR1);
  CHECK_EQ(machine.vcpu.run(), -EINTR);
  CHECK_EQ(handled.load(), 0);
  sigset_t pending;
  sigpending(&pending);
  CHECK(sigismember(&pending, SIGUSR1) == 1);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  CHECK_EQ(handled.load(), 1);
  CHECK_EQ(machine.vcpu.call(kSetSignalMask, 0ul), 0);
}

TEST(thread_blocked_signal_does_not_interrupt) {
  needs_guest();
  install_handler();
  RealMode machine({0xe4, 0x42});
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  pthread_kill(pthread_self(), SIGUSR1);
  CHECK_EQ(machine.vcpu.run(), 0);
  CHECK_EQ(machine.vcpu.shared->exit_reason, KVM_EXIT_IO);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

// Another thread asks for state while the guest spins, and is served; the run goes on until the signal.
TEST(thread_ioctl_during_run) {
  needs_guest();
  install_handler();
  RealMode machine({0xeb, 0xfe});
  machine.enter_protected_mode();
  SKIP_UNLESS(machine.vm.device.is_ring1(), "KVM lets it wait until KVM_RUN returns");
  const pthread_t self = pthread_self();
  long results[3] = {1, 1, 1};
  kvm_regs regs = {};
  Memory memory(4096);
  auto ask = [&] {
    for (int i = 0; i < 50; i++) {
      results[0] = machine.vcpu.call(KVM_GET_REGS, &regs);
      results[1] = machine.vm.set_region(1, 0xe0000, memory, 4096);
      results[2] = machine.vm.set_region(1, 0xe0000, memory, 0);
    }
    pthread_kill(self, SIGUSR1);
  };
  Later later(ask);
  CHECK_EQ(machine.vcpu.run(), -EINTR);
  CHECK_EQ(results[0], 0);
  CHECK_EQ(results[1], 0);
  CHECK_EQ(results[2], 0);
  CHECK_EQ(regs.rip, RealMode::kCode);
}

TEST(thread_ioctl_during_halt) {
  needs_guest();
  install_handler();
  RealMode machine({0xf4}, RealMode::kIrqchip);
  SKIP_UNLESS(machine.vm.device.is_ring1(), "KVM lets it wait until KVM_RUN returns");
  const pthread_t self = pthread_self();
  long result = 1;
  kvm_irqchip chip = {};
  auto ask = [&] {
    for (int i = 0; i < 50; i++) result = machine.vm.call(KVM_GET_IRQCHIP, &chip);
    pthread_kill(self, SIGUSR1);
  };
  Later later(ask);
  CHECK_EQ(machine.vcpu.run(), -EINTR);
  CHECK_EQ(result, 0);
}

// The exit of one thread's KVM_RUN by a slot change and the memory's disappearance at the same time.
TEST(thread_slot_deleted_during_run) {
  needs_guest();
  install_handler();
  RealMode machine({0xa0, 0x00, 0x00, 0xeb, 0xfb});  // reads ds:0 for ever
  Memory memory(4096);
  CHECK_EQ(machine.vm.set_region(1, 0xe0000, memory, 4096), 0);
  kvm_sregs sregs = machine.vcpu.sregs();
  sregs.ds.base = 0xe0000;
  CHECK_EQ(machine.vcpu.call(KVM_SET_SREGS, &sregs), 0);
  long result = 1;
  auto remove = [&] { result = machine.vm.set_region(1, 0xe0000, memory, 0); };
  {
    Later later(remove);
    CHECK_EQ(machine.vcpu.run(), 0);
  }
  CHECK_EQ(machine.vcpu.shared->exit_reason, KVM_EXIT_MMIO);
  CHECK_EQ(machine.vcpu.shared->mmio.phys_addr, 0xe0000);
  CHECK_EQ(result, 0);
}

// The kernel looks at such a timer when the thread is on its way to user space, and a guest need not go there by itself.
TEST(thread_processor_time_runs_out) {
  needs_guest();
  RealMode machine({0xeb, 0xfe});
  machine.enter_protected_mode();
  struct sigaction action = {};
  action.sa_handler = handle;
  sigaction(SIGPROF, &action, nullptr);
  handled = 0;
  const itimerval timer = {{}, {0, 20000}}, off = {};
  timespec before, after;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
  setitimer(ITIMER_PROF, &timer, nullptr);
  long ret = -EINTR;
  while (ret == -EINTR && !handled) ret = machine.vcpu.run();
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
  setitimer(ITIMER_PROF, &off, nullptr);
  CHECK_EQ(ret, -EINTR);
  CHECK_EQ(handled.load(), 1);
  CHECK(after.tv_sec - before.tv_sec < 2);  // processor time, not the clock on the wall
}
