// SPDX-License-Identifier: GPL-2.0-only
// Text on COM1.
#pragma once

#include <stdarg.h>

namespace guest {

void serial_init();
// %s %c %d %u %x %%, with a width that may begin with 0.
void vprint(const char* format, va_list arguments);
void print(const char* format, ...) __attribute__((format(printf, 1, 2)));

}  // namespace guest
