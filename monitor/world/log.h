// SPDX-License-Identifier: GPL-2.0-only
// The monitor's log: lines of text in a ring that the host drains.
#pragma once

#include <cstdarg>
#include <cstdint>

#include "include/ring1/vcpu_shared.h"

namespace ring1::monitor {

class Log {
 public:
  explicit Log(ring1_log& ring) : ring_(ring) {}

  // One line. Conversions: %s, %d, %u, %x (unsigned), each with l for 64 bits; %0Nx pads with zeros.
  [[gnu::format(printf, 2, 3)]] void line(const char* format, ...);
  // A few lines of hexadecimal; count is a multiple of 16.
  void bytes(const char* what, uint32_t at, const uint8_t* bytes, unsigned count);

 private:
  void put(char c);
  void number(uint64_t value, unsigned base, unsigned width);
  void format(const char* format, va_list arguments);

  ring1_log& ring_;
};

}  // namespace ring1::monitor
