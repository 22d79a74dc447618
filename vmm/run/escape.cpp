// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/run/escape.h"

namespace ring1::vmm {

namespace {

constexpr uint8_t kControlA = 0x01;

}  // namespace

EscapeResult EscapeFilter::feed(uint8_t byte) {
  if (!escaped_) {
    if (byte != kControlA) return {byte, {}};
    escaped_ = true;
    return {};
  }
  escaped_ = false;
  switch (byte) {
    case kControlA:
    case 'a': return {kControlA, {}};
    case 'x': return {{}, ConsoleCommand::quit};
    case 's': return {{}, ConsoleCommand::statistics};
    case 'h':
    case '?': return {{}, ConsoleCommand::help};
    default: return {};  // as QEMU: unknown keys are swallowed
  }
}

}  // namespace ring1::vmm
