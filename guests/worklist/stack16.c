// SPDX-License-Identifier: GPL-2.0-only
// A 16-bit stack segment: IRET restores only the low half of ESP (SDM 2A, IRET; the kernel's way around it is called
// espfix), so a program with one takes the kernel's rarest way back.
#include <stdio.h>
#include <stdlib.h>
#include "ldt.h"
#include "worklist.h"

void work_stack16(void) {
  char* stack = aligned_alloc(65536, 65536);
  int error = ldt_set(2, (uint32_t)stack, 65536, kLdtStack16);
  printf("install: %d\n", error);
  if (error) return;
  uint32_t after = 0, popped = 0;
  for (int i = 0; i < 200; i++) {
    // 20 is getpid, through the gate: it comes back with IRET. The loop gives the timer a chance.
    uint32_t one, two;
    __asm__ volatile(
        "mov %%esp, %%esi\n"
        "mov %%ss, %%edi\n"
        "mov %[selector], %%ss\n"
        "mov $0x1234f000, %%esp\n"
        "push $77\n"
        "mov $20, %%eax\n"
        "int $0x80\n"
        "mov $20000, %%ecx\n"
        "1: dec %%ecx\n"
        "jnz 1b\n"
        "mov %%esp, %[one]\n"
        "pop %[two]\n"
        "mov %%edi, %%ss\n"
        "mov %%esi, %%esp\n"
        : [one] "=&b"(one), [two] "=&d"(two)
        : [selector] "a"(ldt_selector(2))
        : "ecx", "esi", "edi", "memory");
    after = mix(after, one);
    popped += two;
    if (i == 0) printf("esp after the call: %08x\n", one);
  }
  printf("all: %08x %u\n", after, popped);
  free(stack);
}
