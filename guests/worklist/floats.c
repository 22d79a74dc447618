// SPDX-License-Identifier: GPL-2.0-only
// Compiled for SSE2: double is computed in XMM registers, long double on the x87 stack. Several processes at once, so
// that the kernel saves and restores both kinds of registers.
#include <stdio.h>
#include <unistd.h>
#include "worklist.h"

enum { kWorkers = 3, kTerms = 300000 };

static double sse(int seed) {
  double sum = 0, x = seed + 0.1;
  for (int i = 1; i < kTerms; i++) {
    x = 3.9 * (x - (int)x) * (1 - (x - (int)x)) + 1e-3 / i;
    sum += x / (i * (double)i) - 1.0 / (i + seed);
  }
  return sum;
}

static long double x87(int seed) {
  long double sum = 0, x = seed;
  for (int i = 1; i < kTerms; i++) {
    long double root;
    __asm__("fsqrt" : "=t"(root) : "0"(x + i));
    sum += 1 / root - root / ((long double)i * i);
    x = root + 1 / (long double)(i + seed);
  }
  return sum;
}

static long double transcendental(int seed) {
  long double result, sum = 0;
  for (int i = 0; i < 2000; i++) {
    __asm__("fsin" : "=t"(result) : "0"((long double)(i + seed) / 37));
    sum += result;
    __asm__("fpatan" : "=t"(result) : "0"(3.0L), "u"((long double)i) : "st(1)");
    sum -= result;
  }
  return sum;
}

// Packed, with the rounding upwards that MXCSR asks for, and the flags that it leaves there.
static void packed(int seed, float out[4], uint32_t* flags) {
  uint32_t control = 0x1f80 | 2 << 13, normal = 0x1f80;
  float start[4] = {seed + 1.1f, seed + 2.3f, seed + 3.7f, seed + 5.9f};
  __asm__ volatile(
      "ldmxcsr %[control]\n"
      "movups %[start], %%xmm0\n"
      "movaps %%xmm0, %%xmm1\n"
      "mov $100000, %%ecx\n"
      "1: sqrtps %%xmm0, %%xmm2\n"
      "divps %%xmm2, %%xmm1\n"
      "addps %%xmm1, %%xmm0\n"
      "movaps %%xmm2, %%xmm1\n"
      "dec %%ecx\n"
      "jnz 1b\n"
      "movups %%xmm0, %[out]\n"
      "stmxcsr %[flags]\n"
      "ldmxcsr %[normal]\n"
      : [out] "=m"(*(float(*)[4])out), [flags] "=m"(*flags)
      : [control] "m"(control), [start] "m"(start), [normal] "m"(normal)
      : "ecx", "xmm0", "xmm1", "xmm2", "memory");
}

struct result {
  double sse;
  long double x87, transcendental;
  float packed[4];
  uint32_t mxcsr;
  uint16_t control, status;
};
static int channel[kWorkers][2];

static int work(int number) {
  struct result result = {0};
  // Each worker rounds in its own way (SDM 1 8.1.5): a control word that leaks into another process shows.
  result.control = 0x037f | number << 10;
  __asm__ volatile("fldcw %0" ::"m"(result.control));
  result.x87 = x87(number);
  result.transcendental = transcendental(number);
  __asm__ volatile("fnstsw %0; fnstcw %1" : "=m"(result.status), "=m"(result.control));
  result.sse = sse(number);
  packed(number, result.packed, &result.mxcsr);
  return write(channel[number][1], &result, sizeof result) != sizeof result;
}

void work_floats(void) {
  pid_t children[kWorkers];
  for (int i = 0; i < kWorkers; i++) {
    if (pipe(channel[i])) die("pipe");
    children[i] = start(work, i);
  }
  for (int i = 0; i < kWorkers; i++) {
    struct result result;
    if (read(channel[i][0], &result, sizeof result) != sizeof result) die("read");
    printf("%d: sse %.17g %a\n", i, result.sse, result.sse);
    printf("%d: x87 %.21Lg %La\n", i, result.x87, result.x87);
    printf("%d: transcendental %.21Lg %La\n", i, result.transcendental, result.transcendental);
    for (int j = 0; j < 4; j++) printf("%d: packed %.9g %a\n", i, result.packed[j], result.packed[j]);
    printf("%d: mxcsr %04x control %04x status %04x end %d\n", i, result.mxcsr, result.control, result.status & 0xff,
           wait_for(children[i]));
  }
}
