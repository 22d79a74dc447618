// SPDX-License-Identifier: GPL-2.0-only
// Instructions that trap or that a program may not execute; told as the kernel tells them: the kind, the error code,
// and how far EIP stands behind the instruction's start.
#include <stdio.h>
#include "worklist.h"

#define TRAP(name, text)                                           \
  void trap_##name(void);                                          \
  extern const char trap_##name##_at[];                            \
  __asm__(".text\ntrap_" #name ":\n push %ebx\n" "trap_" #name "_at: " text "\n pop %ebx\n ret\n");
#include "traps.inc"
#undef TRAP

static const struct {
  const char* name;
  void (*run)(void);
  const char* at;
} traps[] = {
#define TRAP(name, text) {#name, trap_##name, trap_##name##_at},
#include "traps.inc"
};

void work_traps(void) {
  for (int round = 0; round < 2; round++) {
    for (unsigned i = 0; i < sizeof traps / sizeof traps[0]; i++) {
      struct fault fault;
      if (!catch_fault(traps[i].run, &fault)) {
        printf("%s: nothing\n", traps[i].name);
        continue;
      }
      printf("%s: signal %d code %d trap %d error %04x eip %+d address %s\n", traps[i].name, fault.signal, fault.code,
             fault.trap, fault.error, (int)(fault.eip - (uint32_t)traps[i].at),
             fault.address == 0 ? "none" : fault.address == fault.eip ? "eip" : "other");
    }
  }
  // Many in a row: the monitor meets int3 as often as a debugger's program.
  struct fault fault;
  uint32_t hash = 1;
  for (int i = 0; i < 2000; i++) {
    catch_fault(i % 2 ? trap_int3 : trap_int_3, &fault);
    hash = mix(mix(hash, fault.trap), fault.eip - (uint32_t)(i % 2 ? trap_int3_at : trap_int_3_at));
  }
  printf("many: %08x\n", hash);
}
