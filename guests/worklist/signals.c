// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>
#include "worklist.h"

enum { kVolleys = 500, kAlarms = 25 };
static volatile sig_atomic_t received, depth, deepest, on_stack;
static char* stack_low;

static void count(int signal) {
  (void)signal;
  received++;
}

static void nest(int signal) {
  char here;
  depth++;
  if (depth > deepest) deepest = depth;
  on_stack += &here >= stack_low && &here < stack_low + 65536;
  if (signal < SIGRTMIN + 5) raise(signal + 1);
  depth--;
}

// Answers each SIGUSR1 of its parent with one.
static int answer(int volleys) {
  sigset_t none;
  sigemptyset(&none);
  for (int i = 0; i < volleys; i++) {
    while (received <= i) sigsuspend(&none);
    kill(getppid(), SIGUSR1);
  }
  return 0;
}

void work_signals(void) {
  sigset_t user, before;
  sigemptyset(&user);
  sigaddset(&user, SIGUSR1);
  sigprocmask(SIG_BLOCK, &user, &before);
  signal(SIGUSR1, count);
  pid_t child = start(answer, kVolleys);
  for (int i = 0; i < kVolleys; i++) {
    kill(child, SIGUSR1);
    while (received <= i) sigsuspend(&before);
  }
  printf("volleys: %d, child %d\n", (int)received, wait_for(child));
  sigprocmask(SIG_SETMASK, &before, NULL);

  stack_low = malloc(65536);
  stack_t stack = {.ss_sp = stack_low, .ss_size = 65536};
  sigaltstack(&stack, NULL);
  struct sigaction action = {.sa_handler = nest, .sa_flags = SA_ONSTACK};
  for (int i = 0; i < 6; i++) sigaction(SIGRTMIN + i, &action, NULL);
  for (int i = 0; i < 200; i++) raise(SIGRTMIN);
  printf("nested: deepest %d, %d on the other stack\n", (int)deepest, (int)on_stack);

  // The processor is busy in user code: only the timer's interrupt can end this loop.
  received = 0;
  signal(SIGALRM, count);
  struct itimerval often = {{0, 8000}, {0, 8000}}, never = {{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &often, NULL);
  while (received < kAlarms) continue;
  setitimer(ITIMER_REAL, &never, NULL);
  printf("alarms: at least %d\n", kAlarms);

  child = fork();
  if (child == 0) for (;;) continue;
  usleep(20000);
  kill(child, SIGKILL);
  printf("killed: %d\n", wait_for(child));
}
