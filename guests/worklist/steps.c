// SPDX-License-Identifier: GPL-2.0-only
// Single steps (SDM 3B 17.3.1.4) of another process, through a fixed row of instructions.
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#include "worklist.h"

void steps_begin(void);
void steps_end(void);
__asm__(
    ".text\n"
    "steps_begin:\n"
    "  push %esi; push %edi; push %ebx\n"
    "  mov $3, %ecx\n"
    "1: dec %ecx; jnz 1b\n"
    "  call 2f\n"
    "  jmp 3f\n"
    "2: nop; ret\n"
    "3: sub $16, %esp\n"
    "  mov %esp, %esi; mov %esp, %edi; mov $5, %ecx\n"
    "  cld; rep lodsb\n"       // one step for each turn
    "  add $16, %esp\n"
    "  mov %ss, %eax\n"
    "  mov %eax, %ss; nop\n"   // no step between these two
    "  pushf; pop %edx\n"
    "  pushf; andl $~0x100, (%esp); popf\n"
    "  mov $20, %eax; int $0x80\n"
    "  nop\n"
    "  mov $20, %eax; call *%gs:0x10\n"  // the kernel's page: SYSENTER where there is one
    "  xor %eax, %eax; xor %ecx, %ecx; cpuid\n"
    "  rdtsc\n"
    "  pop %ebx; pop %edi; pop %esi\n"
    "steps_end:\n"
    "  ret\n");

static int child(int unused) {
  (void)unused;
  ptrace(PTRACE_TRACEME, 0, 0, 0);
  kill(getpid(), SIGSTOP);
  steps_begin();
  return 7;
}

static uint32_t eip_of(pid_t process) {
  struct user_regs_struct registers;
  if (ptrace(PTRACE_GETREGS, process, 0, &registers)) die("PTRACE_GETREGS");
  return registers.eip;
}

void work_steps(void) {
  pid_t process = start(child, 0);
  int status, steps = 0, elsewhere = 0, foreign = 0, inside = 0;
  waitpid(process, &status, 0);
  for (int guard = 0; guard < 100000; guard++) {
    if (ptrace(PTRACE_SINGLESTEP, process, 0, 0)) die("PTRACE_SINGLESTEP");
    waitpid(process, &status, 0);
    if (!WIFSTOPPED(status)) die("the child is gone");
    foreign += WSTOPSIG(status) != SIGTRAP;
    uint32_t eip = eip_of(process);
    inside |= eip == (uint32_t)steps_begin;
    if (!inside) continue;
    steps++;
    if (eip < (uint32_t)steps_begin || eip > (uint32_t)steps_end) elsewhere++;
    else printf("%u ", eip - (uint32_t)steps_begin);
    if (eip == (uint32_t)steps_end) break;
  }
  printf("\n%d stops, %d of them elsewhere, %d not for the step\n", steps, elsewhere, foreign);
  // The kernel takes a stepped POPF for one that sets TF, so the child would trap on if it went on.
  kill(process, SIGKILL);
  printf("end: %d\n", wait_for(process));
}
