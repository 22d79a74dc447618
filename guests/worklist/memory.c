// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include "worklist.h"

enum { kPage = 4096, kPages = 64, kRounds = 40 };
static char* area;
static uint32_t faults, fault_hash;

// Tells the page and the error code apart from the address, and lets the access through.
static void on_fault(int signal, siginfo_t* info, void* context) {
  (void)signal;
  uint32_t offset = (char*)info->si_addr - area;
  uint32_t error = ((ucontext_t*)context)->uc_mcontext.gregs[REG_ERR];
  if (offset >= kPages * kPage) die("a fault elsewhere");
  faults++;
  fault_hash = mix(mix(mix(fault_hash, offset), error), info->si_code);
  mprotect(area + offset / kPage * kPage, kPage, PROT_READ | PROT_WRITE);
}

static char* map(size_t size) {
  char* result = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (result == MAP_FAILED) die("mmap");
  return result;
}

static void protection(void) {
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO}, before;
  sigaction(SIGSEGV, &action, &before);
  area = map(kPages * kPage);
  uint32_t sum = 0;
  for (int round = 0; round < kRounds; round++) {
    mprotect(area, kPages * kPage, round % 2 ? PROT_READ : PROT_NONE);
    for (int page = 0; page < kPages; page++) {
      volatile char* byte = area + page * kPage + (page * 61 + round) % kPage;
      if ((page + round) % 3) *byte += page;
      sum = mix(sum, *byte);
    }
  }
  sigaction(SIGSEGV, &before, NULL);
  munmap(area, kPages * kPage);
  printf("mprotect: %u faults, hash %08x, contents %08x\n", faults, fault_hash, sum);
}

static void mapping(void) {
  uint32_t sum = 0;
  for (int round = 0; round < 300; round++) {
    size_t size = (1 + round % 37) * kPage;
    char* memory = map(size);
    for (size_t i = 0; i < size; i += kPage) {
      sum = mix(sum, memory[i]);
      memory[i] = round + i / kPage;
    }
    memory = mremap(memory, size, size * 2, MREMAP_MAYMOVE);
    if (memory == MAP_FAILED) die("mremap");
    for (size_t i = 0; i < size * 2; i += kPage) sum = mix(sum, memory[i]);
    munmap(memory, size * 2);
  }
  printf("mmap: contents %08x\n", sum);
}

static char* common;
static int scribble(int number) {
  uint32_t sum = 0;
  for (int i = 0; i < kPages; i++) {
    common[i * kPage] += number;
    sum = mix(sum, common[i * kPage]);
  }
  return sum % 251;
}

// Each child sees the parent's pages as they were at its fork.
static void copy_on_write(void) {
  common = map(kPages * kPage);
  uint32_t sum = 0;
  for (int round = 0; round < 30; round++) {
    for (int i = round % 2; i < kPages; i += 2) common[i * kPage] = i + round;
    pid_t first = start(scribble, 1), second = start(scribble, 2);
    common[round * kPage]++;
    sum = mix(mix(sum, wait_for(first)), wait_for(second));
  }
  for (int i = 0; i < kPages; i++) sum = mix(sum, common[i * kPage]);
  printf("copy on write: %08x\n", sum);
}

void work_memory(void) {
  protection();
  mapping();
  copy_on_write();
}
