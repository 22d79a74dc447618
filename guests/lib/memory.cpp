// SPDX-License-Identifier: GPL-2.0-only
// What the compiler calls on its own account.
#include <stddef.h>
#include <stdint.h>

extern "C" void* memset(void* to, int value, size_t count) {
  void* at = to;
  asm volatile("cld; rep stosb" : "+D"(at), "+c"(count) : "a"(value) : "memory");
  return to;
}

extern "C" void* memcpy(void* to, const void* from, size_t count) {
  void* at = to;
  asm volatile("cld; rep movsb" : "+D"(at), "+S"(from), "+c"(count) : : "memory");
  return to;
}
