// SPDX-License-Identifier: GPL-2.0-only
// worklist [ITEM...]: the named items, or all of them. worklist leaf N: what the process item executes.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "worklist.h"

static const struct {
  const char* name;
  void (*run)(void);
} items[] = {
  {"processes", work_processes}, {"pipes", work_pipes}, {"signals", work_signals}, {"memory", work_memory},
  {"code", work_code}, {"floats", work_floats}, {"segments", work_segments}, {"stack16", work_stack16},
  {"steps", work_steps}, {"breakpoint", work_breakpoint}, {"watch", work_watch}, {"traps", work_traps},
};

int main(int count, char** words) {
  if (count == 3 && !strcmp(words[1], "leaf")) return atoi(words[2]) % 251;
  // Children that are forked in the middle of it must not print it again.
  setvbuf(stdout, NULL, _IONBF, 0);
  for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
    int wanted = count == 1;
    for (int word = 1; word < count; word++) wanted |= !strcmp(words[word], items[i].name);
    if (!wanted) continue;
    printf("== %s\n", items[i].name);
    double began = now();
    items[i].run();
    if (getenv("TIMES")) fprintf(stderr, "%s: %.2f s\n", items[i].name, now() - began);
  }
}
