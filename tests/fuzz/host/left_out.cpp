// SPDX-License-Identifier: GPL-2.0-only
#include "left_out.h"

#include <cstdlib>

namespace ring1::fuzz {

LeftOut left_out;

bool LeftOut::parse(const char* list) {
  while (*list) {
    char* end;
    const unsigned long item = std::strtoul(list, &end, 10);
    if (end == list || item >= kMost || (*end && *end != ',')) return false;
    items_.set(item);
    list = *end ? end + 1 : end;
  }
  return true;
}

}  // namespace ring1::fuzz
