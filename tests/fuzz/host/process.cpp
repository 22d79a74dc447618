// SPDX-License-Identifier: GPL-2.0-only
// The process around it: children that inherit the descriptors, programs started, segments of its own, signals.
#include <asm/ldt.h>
#include <asm/prctl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "argument.h"
#include "tests/ioctl/raw_call.h"

namespace ring1::fuzz {

namespace {

using ioctl_test::raw_call;

[[noreturn]] void leave_by_exec() {
  execl("/proc/self/exe", "fuzz", "--leave", static_cast<char*>(nullptr));
  _exit(0);
}

// The child's memory is a copy: the machines are none of its own.
void fork_child(Worker& worker) {
  Step& step = worker.begin("fork");
  const pid_t child = static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (unsigned i = 0; i < Pool::kMachines; i++)
      request(worker, "RUN in a child", pool->vcpu[i], KVM_RUN, 0);
    call_vm(worker), call_device(worker), scribble(worker);
    if (worker.random.one_in(2)) leave_by_exec();
    _exit(0);
  }
  while (child > 0 && waitpid(child, nullptr, 0) < 0 && errno == EINTR) {}
  step.result = child;
}

// The C library finds the thread's variables by FS, and the base there again in the first of them.
void run_with_fs(Worker& worker, uint16_t selector) {
  const int fd = pool->vcpu[worker.random.below(Pool::kMachines)];
  Step& step = worker.begin("RUN with FS", static_cast<uint64_t>(fd), selector);
  long base, result = 0;
  asm("mov %%fs:0, %0" : "=r"(base));
  touched([&] {
    asm volatile("mov %0, %%fs" : : "r"(selector));
    result = raw_call(SYS_ioctl, fd, static_cast<long>(KVM_RUN));
    raw_call(SYS_arch_prctl, ARCH_SET_FS, base);
  });
  step.result = result;
}

// Null where the descriptor is none that may be loaded.
void change_segments(Worker& worker) {
  Random& random = worker.random;
  user_desc entry = {};
  entry.entry_number = static_cast<unsigned>(random.below(3));
  entry.limit = random.one_in(2) ? 0xfffff : static_cast<unsigned>(random.below(0x100000));
  entry.seg_32bit = 1;
  entry.limit_in_pages = random.one_in(2);
  entry.useable = random.one_in(2);
  entry.read_exec_only = random.one_in(3);
  entry.seg_not_present = random.one_in(3);
  if (random.one_in(8)) entry.limit = entry.base_addr = 0, entry.read_exec_only = entry.seg_not_present = 1;
  Step& step = worker.begin("modify_ldt", entry.entry_number, entry.limit, entry.seg_not_present);
  step.result = syscall(SYS_modify_ldt, 0x11, &entry, sizeof entry);
  const auto selector = static_cast<uint16_t>(random.below(4) * 8 + 7);
  const uint64_t which = random.below(4);
  if (which == 3) return run_with_fs(worker, selector);
  touched([&] {
    if (which == 0) asm volatile("mov %0, %%ds" : : "r"(selector));
    if (which == 1) asm volatile("mov %0, %%es" : : "r"(selector));
    if (which == 2) asm volatile("mov %0, %%gs" : : "r"(selector));
  });
}

// Mostly one that only interrupts; at times the death of one that shares this memory.
void send_signal(Worker& worker) {
  const int task = pool->tasks[worker.random.below(Pool::kTasks)];
  if (!task) return;
  worker.begin("signal", static_cast<uint64_t>(task)).result = syscall(SYS_tkill, task, SIGUSR1);
}

}  // namespace

void change_process(Worker& worker) {
  switch (worker.random.below(16)) {
    case 0: return fork_child(worker);
    case 1: case 2: case 3: case 4: return change_segments(worker);
    case 5: worker.begin("yield").result = sched_yield(); return;
    default: return send_signal(worker);
  }
}

}  // namespace ring1::fuzz
