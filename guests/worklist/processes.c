// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "worklist.h"

enum { kRuns = 1000, kAtOnce = 8 };

// RUNS in the environment, which should be a multiple of kAtOnce, or kRuns.
static int number_of_runs(void) {
  const char* text = getenv("RUNS");
  return text && atoi(text) > 0 ? atoi(text) : kRuns;
}

static int execute(int number) {
  char text[12];
  snprintf(text, sizeof text, "%d", number);
  execl("/proc/self/exe", "worklist", "leaf", text, NULL);
  return 252;
}

static int only_exit(int number) {
  return number & 0x7f;
}

void work_processes(void) {
  int runs = number_of_runs();
  uint32_t hash = 1;
  for (int done = 0; done < runs; done += kAtOnce) {
    pid_t children[kAtOnce];
    for (int i = 0; i < kAtOnce; i++) children[i] = start(execute, done + i);
    for (int i = 0; i < kAtOnce; i++) hash = mix(hash, wait_for(children[i]));
  }
  printf("fork and exec: %d runs, statuses %08x\n", runs, hash);

  hash = 1;
  for (int i = 0; i < 100; i++) hash = mix(hash, wait_for(start(only_exit, i)));
  printf("fork: 100 runs, statuses %08x\n", hash);
}
