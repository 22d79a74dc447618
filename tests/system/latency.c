// SPDX-License-Identifier: GPL-2.0-only
// latency MILLISECONDS: a real-time thread on processor 0 that wants to run every two milliseconds, for so long; prints
// by how many microseconds it was late at most.
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

static const long period = 2000000;

static long long nanoseconds(const struct timespec *t) { return t->tv_sec * 1000000000ll + t->tv_nsec; }

int main(int argc, char **argv) {
  const struct sched_param priority = {.sched_priority = 50};
  struct timespec due, now;
  long long latest = 0, end;
  cpu_set_t first;

  CPU_ZERO(&first);
  CPU_SET(0, &first);
  if (argc != 2 || sched_setaffinity(0, sizeof first, &first) || sched_setscheduler(0, SCHED_FIFO, &priority) ||
      mlockall(MCL_CURRENT | MCL_FUTURE)) {
    perror("latency");
    return 1;
  }
  clock_gettime(CLOCK_MONOTONIC, &due);
  end = nanoseconds(&due) + atol(argv[1]) * 1000000ll;
  do {
    due.tv_nsec += period;
    if (due.tv_nsec >= 1000000000) due.tv_sec++, due.tv_nsec -= 1000000000;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (nanoseconds(&now) - nanoseconds(&due) > latest) latest = nanoseconds(&now) - nanoseconds(&due);
  } while (nanoseconds(&now) < end);
  printf("%lld\n", latest / 1000);
  return 0;
}
