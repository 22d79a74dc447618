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
#include <cstdio>

#include "left_out.h"
#include "worker.h"

namespace ring1::fuzz {

namespace {

constexpr unsigned kThreads = 3, kSharers = 2;  // threads; threads that do nothing but have a process of their own
constexpr long kSignalEvery = 3000;             // microseconds

struct Operation {
  const char* name;
  unsigned weight;
  void (*run)(Worker& worker);
};
constexpr Operation kOperations[] = {
    {"ioctls of the device", 4, call_device},
    {"ioctls of a VM", 5, call_vm},
    {"ioctls of a vCPU", 5, call_vcpu},
    {"changes of memory", 3, change_memory},
    {"changes of the process", 2, change_process},
    {"scribbling", 1, scribble},
    {"preparation of a guest", 5, prepare_guest},
    {"KVM_RUN", 7, run_guest},
};
constexpr unsigned kWeights = [] {
  unsigned sum = 0;
  for (const Operation& operation : kOperations) sum += operation.weight;
  return sum;
}();

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
    worker.random = Random(derived(worker.seed, worker.operations++));
    uint64_t chosen = worker.random.below(kWeights);
    unsigned item = 0;
    while (chosen >= kOperations[item].weight) chosen -= kOperations[item++].weight;
    left_out(item) ? static_cast<void>(sched_yield()) : kOperations[item].run(worker);
  }
}

void print_operations() {
  for (const Operation& operation : kOperations) std::printf("%s\n", operation.name);
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
