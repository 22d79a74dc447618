// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/world/log.h"

namespace ring1::monitor {

void Log::put(char c) {
  ring_.text[ring_.head % RING1_LOG_SIZE] = c;
  ring_.head++;  // the host reads only while this side does not run
}

void Log::number(uint64_t value, unsigned base, unsigned width) {
  char digits[20];
  unsigned count = 0;
  do {
    digits[count++] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value);
  for (unsigned pad = count; pad < width; pad++) put('0');
  while (count) put(digits[--count]);
}

void Log::format(const char* format, va_list arguments) {
  for (; *format; format++) {
    if (*format != '%') {
      put(*format);
      continue;
    }
    unsigned width = 0;
    bool wide = false;
    while (*++format >= '0' && *format <= '9') width = width * 10 + static_cast<unsigned>(*format - '0');
    for (; *format == 'l'; format++) wide = true;
    switch (*format) {
      case 's':
        for (const char* text = va_arg(arguments, const char*); *text; text++) put(*text);
        break;
      case 'd': {
        const int64_t value = wide ? va_arg(arguments, int64_t) : va_arg(arguments, int32_t);
        if (value < 0) put('-');
        number(value < 0 ? -static_cast<uint64_t>(value) : static_cast<uint64_t>(value), 10, width);
        break;
      }
      case 'u': number(wide ? va_arg(arguments, uint64_t) : va_arg(arguments, uint32_t), 10, width); break;
      case 'x': number(wide ? va_arg(arguments, uint64_t) : va_arg(arguments, uint32_t), 16, width); break;
      case '\0': return;
      default: put(*format);
    }
  }
}

void Log::line(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  this->format(format, arguments);
  va_end(arguments);
  put('\n');
}

void Log::bytes(const char* what, uint32_t at, const uint8_t* bytes, unsigned count) {
  line("%s at %08x:", what, at);
  for (unsigned i = 0; i + 16 <= count; i += 16)
    line("  %08x  %02x%02x%02x%02x %02x%02x%02x%02x %02x%02x%02x%02x %02x%02x%02x%02x", at + i, bytes[i], bytes[i + 1],
         bytes[i + 2], bytes[i + 3], bytes[i + 4], bytes[i + 5], bytes[i + 6], bytes[i + 7], bytes[i + 8], bytes[i + 9],
         bytes[i + 10], bytes[i + 11], bytes[i + 12], bytes[i + 13], bytes[i + 14], bytes[i + 15]);
}

}  // namespace ring1::monitor
