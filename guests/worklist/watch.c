// SPDX-License-Identifier: GPL-2.0-only
// A debugger's work: a breakpoint written into the other process, and the debug registers (SDM 3B 17.2).
#include <stddef.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#include "worklist.h"

static volatile uint32_t watched;

void watch_place(void);
__asm__(".text\nwatch_place: nop; nop; ret\n");

static int child(int unused) {
  (void)unused;
  ptrace(PTRACE_TRACEME, 0, 0, 0);
  kill(getpid(), SIGSTOP);
  for (int i = 0; i < 3; i++) {
    watched += 5;
    watch_place();
  }
  return watched;
}

static long debug_register(pid_t process, int number) {
  return ptrace(PTRACE_PEEKUSER, process, offsetof(struct user, u_debugreg) + number * 4, 0);
}

static void set_debug_register(pid_t process, int number, uint32_t value) {
  if (ptrace(PTRACE_POKEUSER, process, offsetof(struct user, u_debugreg) + number * 4, value))
    printf("debug register %d refused\n", number);
}

static pid_t begin(void) {
  pid_t process = start(child, 0);
  int status;
  waitpid(process, &status, 0);
  return process;
}

// Lets the process run to its end, and tells each stop on the way.
static void follow(pid_t process, const char* what) {
  for (int stops = 0; stops < 20; stops++) {
    int status;
    siginfo_t info;
    struct user_regs_struct registers;
    ptrace(PTRACE_CONT, process, 0, 0);
    waitpid(process, &status, 0);
    if (!WIFSTOPPED(status)) {
      printf("%s: end %d\n", what, WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status));
      return;
    }
    ptrace(PTRACE_GETSIGINFO, process, 0, &info);
    ptrace(PTRACE_GETREGS, process, 0, &registers);
    uint32_t distance = registers.eip - (uint32_t)watch_place;
    printf("%s: signal %d code %d, dr6 %08lx, watched %ld, %d from the place\n", what, WSTOPSIG(status), info.si_code,
           debug_register(process, 6), ptrace(PTRACE_PEEKDATA, process, &watched, 0), distance < 4 ? (int)distance : -1);
    set_debug_register(process, 6, 0);
  }
  kill(process, SIGKILL);
  printf("%s: no end, %d\n", what, wait_for(process));
}

void work_breakpoint(void) {
  pid_t process = begin();
  long text = ptrace(PTRACE_PEEKTEXT, process, watch_place, 0);
  ptrace(PTRACE_POKETEXT, process, watch_place, (text & ~0xffL) | 0xcc);
  follow(process, "breakpoint");
}

void work_watch(void) {
  pid_t process = begin();
  set_debug_register(process, 0, (uint32_t)&watched);
  set_debug_register(process, 7, 0x000d0001);  // R/W0 = write, LEN0 = four bytes, L0
  follow(process, "written");

  process = begin();
  set_debug_register(process, 1, (uint32_t)watch_place + 1);
  set_debug_register(process, 7, 0x00000004);  // R/W1 = execution, L1
  follow(process, "executed");
}
