// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#include "worklist.h"

static sigjmp_buf back;
static struct fault* record;

static void on_fault(int signal, siginfo_t* info, void* context) {
  const greg_t* registers = ((ucontext_t*)context)->uc_mcontext.gregs;
  record->signal = signal;
  record->code = info->si_code;
  record->trap = registers[REG_TRAPNO];
  record->error = registers[REG_ERR];
  record->eip = registers[REG_EIP];
  record->address = (uint32_t)info->si_addr;
  siglongjmp(back, 1);
}

int catch_fault(void (*body)(void), struct fault* taken) {
  static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
  struct sigaction before[5];
  for (int i = 0; i < 5; i++) sigaction(signals[i], &action, &before[i]);
  memset(taken, 0, sizeof *taken);
  record = taken;
  int faulted = sigsetjmp(back, 1);
  if (!faulted) body();
  for (int i = 0; i < 5; i++) sigaction(signals[i], &before[i], NULL);
  return faulted;
}

pid_t start(int (*body)(int), int argument) {
  pid_t child = fork();
  if (child < 0) die("fork");
  if (child == 0) _exit(body(argument));
  return child;
}

int wait_for(pid_t child) {
  int status;
  if (waitpid(child, &status, 0) != child) die("waitpid");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

void die(const char* what) {
  perror(what);
  _exit(250);
}

uint32_t mix(uint32_t hash, uint32_t value) {
  return (hash ^ value) * 16777619u;
}

double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec * 1e-9;
}
