// SPDX-License-Identifier: GPL-2.0-only
#include "print.h"

#include "io.h"

namespace guest {

namespace {

constexpr uint16_t kCom1 = 0x3f8;
constexpr uint16_t kDivisorLow = kCom1, kDivisorHigh = kCom1 + 1, kInterrupts = kCom1 + 1, kFifo = kCom1 + 2;
constexpr uint16_t kLineControl = kCom1 + 3, kModemControl = kCom1 + 4, kLineStatus = kCom1 + 5;
constexpr uint8_t kDlab = 0x80, k8n1 = 3, kTransmitterEmpty = 0x20;

void put(char c) {
  if (c == '\n') put('\r');
  while (!(inb(kLineStatus) & kTransmitterEmpty)) {}
  outb(kCom1, static_cast<uint8_t>(c));
}

void put_number(uint32_t value, uint32_t base, unsigned width, char fill) {
  char digits[12];
  unsigned count = 0;
  do {
    digits[count++] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value);
  for (unsigned i = count; i < width; ++i) put(fill);
  while (count) put(digits[--count]);
}

void put_argument(char kind, unsigned width, char fill, va_list& arguments) {
  switch (kind) {
    case 's':
      for (const char* s = va_arg(arguments, const char*); *s; ++s) put(*s);
      break;
    case 'c': put(static_cast<char>(va_arg(arguments, int))); break;
    case 'x': put_number(va_arg(arguments, uint32_t), 16, width, fill); break;
    case 'u': put_number(va_arg(arguments, uint32_t), 10, width, fill); break;
    case 'd': {
      const int32_t value = va_arg(arguments, int32_t);
      if (value < 0) put('-');
      put_number(value < 0 ? -static_cast<uint32_t>(value) : static_cast<uint32_t>(value), 10, width, fill);
      break;
    }
    default: put(kind);
  }
}

}  // namespace

void serial_init() {
  outb(kInterrupts, 0);
  outb(kLineControl, kDlab);
  outb(kDivisorLow, 1);
  outb(kDivisorHigh, 0);
  outb(kLineControl, k8n1);
  outb(kFifo, 0);
  outb(kModemControl, 3);
  put('\n');  // firmware may have left the line unfinished
}

void vprint(const char* format, va_list list) {
  va_list arguments;
  va_copy(arguments, list);
  for (; *format; ++format) {
    if (*format != '%') {
      put(*format);
      continue;
    }
    ++format;
    const char fill = *format == '0' ? '0' : ' ';
    unsigned width = 0;
    while (*format >= '0' && *format <= '9') width = width * 10 + static_cast<unsigned>(*format++ - '0');
    if (!*format) break;
    put_argument(*format, width, fill, arguments);
  }
  va_end(arguments);
}

void print(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vprint(format, arguments);
  va_end(arguments);
}

}  // namespace guest
