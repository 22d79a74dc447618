// SPDX-License-Identifier: GPL-2.0-only
// A work list for a Linux guest. What it prints depends on the processor's and the kernel's promises only: no
// addresses, process numbers or times.
#pragma once
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

void work_processes(void);
void work_pipes(void);
void work_signals(void);
void work_memory(void);
void work_code(void);
void work_floats(void);
void work_segments(void);
void work_stack16(void);
void work_steps(void);
void work_breakpoint(void);
void work_watch(void);
void work_traps(void);

// What arrived with a fault, as the kernel tells it.
struct fault {
  int signal, code, trap;
  uint32_t error, eip, address;
};

// Runs `body` where faults end it; `taken` holds the first. Returns whether there was one.
int catch_fault(void (*body)(void), struct fault* taken);

// Forks; the child runs `body(argument)` and exits with what that returns.
pid_t start(int (*body)(int), int argument);
// The child's exit status, 256 + signal if it was killed.
int wait_for(pid_t child);
void die(const char* what);
uint32_t mix(uint32_t hash, uint32_t value);
double now(void);
