// SPDX-License-Identifier: GPL-2.0-only
// Code that a program writes while it runs: SDM 3A 8.1.3. The same address holds a different function every time.
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include "worklist.h"

void work_code(void) {
  unsigned char* code = mmap(NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (code == MAP_FAILED) die("mmap");
  uint32_t sum = 0;
  for (uint32_t i = 0; i < 2000; i++) {
    // In a page of its own, and across the border of two.
    unsigned char* place = code + (i % 2 ? 4096 - 3 : 64);
    uint32_t value = i * 2654435761u;
    place[0] = 0xb8;  // mov eax, value; ret
    memcpy(place + 1, &value, 4);
    place[5] = 0xc3;
    __asm__ volatile("" ::: "memory");
    sum = mix(sum, ((uint32_t(*)(void))place)());
    if (i % 100 == 0) {
      mprotect(code, 8192, PROT_READ | PROT_EXEC);
      sum = mix(sum, ((uint32_t(*)(void))place)());
      mprotect(code, 8192, PROT_READ | PROT_WRITE | PROT_EXEC);
    }
  }
  printf("written code: %08x\n", sum);
  munmap(code, 8192);
}
