// SPDX-License-Identifier: GPL-2.0-only
// The four functions that a compiler may call in freestanding code, and no others of the C library.
#pragma once

#include <cstddef>

extern "C" {
void* memcpy(void* to, const void* from, size_t size);
void* memmove(void* to, const void* from, size_t size);
void* memset(void* to, int value, size_t size);
int memcmp(const void* a, const void* b, size_t size);
}
