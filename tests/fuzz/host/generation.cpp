// SPDX-License-Identifier: GPL-2.0-only
// One process's life: its threads, and processes that share its memory.
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "worker.h"

namespace ring1::fuzz {

namespace {

constexpr unsigned kThreads = 3, kSharers = 2;  // threads; threads that do nothing but have a process of their own
constexpr long kSignalEvery = 3000;             // microseconds

Worker* workers[kThreads + kSharers];

int share(void* argument) {
  auto* worker = static_cast<Worker*>(argument);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  pool->tasks[worker->actor] = static_cast<int>(syscall(SYS_gettid));
  work(*worker);
  // A program started while others use the memory.
  if (worker->random.one_in(2)) execl("/proc/self/exe", "fuzz", "--leave", static_cast<char*>(nullptr));
  _exit(0);
}

// The thread's own variables are the process's while it waits.
void* host_sharer(void* argument) {
  alignas(16) static thread_local char stack[65536];
  auto* worker = static_cast<Worker*>(argument);
  while (!trail->stop) {
    const int files = worker->random.one_in(4) ? 0 : CLONE_FILES;
    const pid_t child = clone(share, stack + sizeof stack, CLONE_VM | files | SIGCHLD, worker);
    if (child < 0) return nullptr;
    while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {}
  }
  return nullptr;
}

void* run_thread(void* argument) {
  auto* worker = static_cast<Worker*>(argument);
  pool->tasks[worker->actor] = static_cast<int>(syscall(SYS_gettid));
  work(*worker);
  return nullptr;
}

}  // namespace

void work(Worker& worker) {
  while (!trail->stop) {
    switch (worker.random.below(32)) {
      case 0: case 1: case 2: case 3: call_device(worker); break;
      case 4: case 5: case 6: case 7: case 8: call_vm(worker); break;
      case 9: case 10: case 11: case 12: case 13: call_vcpu(worker); break;
      case 14: case 15: case 16: change_memory(worker); break;
      case 17: case 18: change_process(worker); break;
      case 19: scribble(worker); break;
      case 20: case 21: case 22: case 23: case 24: prepare_guest(worker); break;
      default: run_guest(worker); break;
    }
  }
}

void run_generation(uint64_t seed, unsigned long machine_type) {
  install_handlers();
  static Pool the_pool(machine_type);
  pool = &the_pool;
  pthread_t threads[kThreads + kSharers];
  for (unsigned i = 0; i < kThreads + kSharers; i++) {
    workers[i] = new Worker(i, derived(seed, i));
    pthread_create(&threads[i], nullptr, i < kThreads ? run_thread : host_sharer, workers[i]);
  }
  Random random(derived(seed, 1000));
  while (!trail->stop) {
    usleep(kSignalEvery);
    const int task = pool->tasks[random.below(kThreads + kSharers)];
    const bool sharer = task && task == pool->tasks[kThreads];
    if (task) syscall(SYS_tkill, task, sharer && random.one_in(50) ? SIGKILL : SIGUSR1);
  }
  if (random.one_in(2)) execl("/proc/self/exe", "fuzz", "--leave", static_cast<char*>(nullptr));
  _exit(0);
}

}  // namespace ring1::fuzz
