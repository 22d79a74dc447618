// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/world/freestanding.h"

#include <cstdint>
#include <new>

#include "base/assert.h"

extern "C" {

void* memcpy(void* to, const void* from, size_t size) {
  void* const result = to;
  // Eight bytes at a time: into the translation cache each store is slow under an emulator, which watches its pages.
  size_t words = size / 8;
  size %= 8;
  asm volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
  asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
  return result;
}

void* memmove(void* to, const void* from, size_t size) {
  auto* target = static_cast<char*>(to);
  const auto* source = static_cast<const char*>(from);
  if (target <= source || target >= source + size) return memcpy(to, from, size);
  while (size-- > 0) target[size] = source[size];
  return to;
}

void* memset(void* to, int value, size_t size) {
  void* const result = to;
  const uint64_t pattern = static_cast<uint8_t>(value) * 0x0101010101010101u;
  size_t words = size / 8;
  size %= 8;
  asm volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(pattern) : "memory");
  asm volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(pattern) : "memory");
  return result;
}

int memcmp(const void* a, const void* b, size_t size) {
  const auto* left = static_cast<const unsigned char*>(a);
  const auto* right = static_cast<const unsigned char*>(b);
  for (; size > 0; size--, left++, right++)
    if (*left != *right) return *left - *right;
  return 0;
}

size_t strlen(const char* text) {
  size_t length = 0;
  while (text[length]) length++;
  return length;
}

// asmjit refers to the heap but, given its buffers, never asks it for anything.
void* malloc(size_t) {
  RING1_ASSERT(!"the monitor has no heap");
  return nullptr;
}
void* realloc(void*, size_t) { return malloc(0); }
void free(void* memory) { RING1_ASSERT(!memory); }

// POPCNT is not in every processor we run on, so the compiler calls this.
int __popcountdi2(int64_t value) {
  int count = 0;
  for (auto rest = static_cast<uint64_t>(value); rest; rest &= rest - 1) count++;
  return count;
}

void __cxa_pure_virtual() {
  RING1_ASSERT(!"pure virtual call");
  __builtin_unreachable();
}

}  // extern "C"

void operator delete(void*, size_t) noexcept { RING1_ASSERT(!"the monitor has no heap"); }
void operator delete(void*) noexcept { RING1_ASSERT(!"the monitor has no heap"); }
