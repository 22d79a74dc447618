// SPDX-License-Identifier: GPL-2.0-only
// Segments of the process's own (modify_ldt): the processor must find them in FS and GS whenever it comes back to the
// program, whoever ran in between, and each process has its own LDT.
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "ldt.h"
#include "worklist.h"

enum { kSegments = 8, kWorkers = 3 };
static uint32_t data[kSegments][16];

static void load_fs(uint32_t selector) {
  __asm__ volatile("mov %0, %%fs" ::"r"(selector));
}

static uint32_t read_fs(uint32_t offset) {
  uint32_t value;
  __asm__ volatile("mov %%fs:(%1), %0" : "=r"(value) : "r"(offset) : "memory");
  return value;
}

// GS is libc's: nothing but these instructions may run without it.
static uint32_t read_gs(uint32_t selector, uint32_t offset, uint32_t spin) {
  uint32_t value, saved;
  __asm__ volatile(
      "mov %%gs, %1\n"
      "mov %2, %%gs\n"
      "1: dec %4\n"
      "jnz 1b\n"
      "mov %%gs:(%3), %0\n"
      "mov %1, %%gs\n"
      : "=&r"(value), "=&r"(saved)
      : "r"(selector), "r"(offset), "r"(spin)
      : "memory");
  return value;
}

// Holds its segments for many timer ticks beside its siblings, who have other ones under the same selectors.
static int hold(int number) {
  for (int i = 0; i < kSegments; i++) {
    if (ldt_set(i, (uint32_t)data[i], sizeof data[i], kLdtData)) return 1;
    for (int j = 0; j < 16; j++) data[i][j] = number << 16 | i << 8 | j;
  }
  int bad = 0, round = 0;
  for (double end = now() + 0.6; now() < end; round++) {
    int i = round % kSegments;
    load_fs(ldt_selector(i));
    for (uint32_t j = 0; j < 20000; j++) bad += read_fs(j % 16 * 4) != data[i][j % 16];
    bad += read_gs(ldt_selector((i + 1) % kSegments), 12, 20000) != data[(i + 1) % kSegments][3];
    sched_yield();
    bad += read_fs(8) != data[i][2];
  }
  return bad > 200 ? 200 : bad;
}

// Waits for a timer tick or two before it answers, so that the kernel sees the foreign CS too.
void far_function(void);
__asm__(".text\nfar_function: push %ecx; mov $20000000, %ecx; 1: dec %ecx; jnz 1b; pop %ecx; mov $12345, %eax; lret");

static uint32_t target;
static void load_target(void) {
  load_fs(target);
}

static void attributes(unsigned entry) {
  uint32_t selector = ldt_selector(entry), rights = 0, limit = 0;
  uint8_t found, readable, writable;
  __asm__("lar %2, %0; setz %1" : "+r"(rights), "=q"(found) : "r"(selector) : "cc");
  __asm__("lsl %1, %0" : "+r"(limit) : "r"(selector) : "cc");
  __asm__("verr %w1; setz %0" : "=q"(readable) : "r"(selector) : "cc");
  __asm__("verw %w1; setz %0" : "=q"(writable) : "r"(selector) : "cc");
  printf("entry %u: found %u rights %08x limit %08x readable %u writable %u\n", entry, found, found ? rights : 0, limit,
         readable, writable);
}

void work_segments(void) {
  for (int i = 0; i < kSegments; i++) {
    for (int j = 0; j < 16; j++) data[i][j] = i * 1000 + j;
    int error = ldt_set(i * 3, (uint32_t)data[i], sizeof data[i], kLdtData);
    load_fs(ldt_selector(i * 3));
    printf("segment %d: error %d, fs %u, gs %u\n", i, error, read_fs(4), read_gs(ldt_selector(i * 3), 8, 1));
  }
  // A loaded segment stays as it was until it is loaded again; SDM 3A 3.4.3. The kernel's return reloads it.
  ldt_set(0, (uint32_t)data[5], sizeof data[5], kLdtData);
  load_fs(ldt_selector(0));
  printf("moved: %u\n", read_fs(4));
  attributes(0);

  // A far call through a code segment with a base.
  uint32_t page = (uint32_t)far_function & ~0xfffu;
  int error = ldt_set(1, page, 8192, kLdtCode);
  attributes(1);
  struct { uint32_t offset; uint16_t selector; } __attribute__((packed)) far = {(uint32_t)far_function - page,
                                                                                 ldt_selector(1)};
  uint32_t answer = 0;
  if (!error) __asm__ volatile("lcall *%1" : "=a"(answer) : "m"(far) : "memory");
  printf("code segment: error %d, answer %u\n", error, answer);

  ldt_set(0, 0, 1, kLdtEmpty);
  attributes(0);
  struct fault fault;
  target = ldt_selector(0);
  int faulted = catch_fault(load_target, &fault);
  printf("empty: faulted %d signal %d trap %d error %04x\n", faulted, fault.signal, fault.trap, fault.error);
  target = ldt_selector(4000);
  faulted = catch_fault(load_target, &fault);
  printf("beyond: faulted %d signal %d trap %d error %04x\n", faulted, fault.signal, fault.trap, fault.error);

  pid_t children[kWorkers];
  for (int i = 0; i < kWorkers; i++) children[i] = start(hold, i + 1);
  for (int i = 0; i < kWorkers; i++) printf("worker %d: %d wrong\n", i, wait_for(children[i]));
  load_fs(0);
}
