// SPDX-License-Identifier: GPL-2.0-only
// A segment register for flat 32-bit code or data (SDM 3A 3.4.5), as the tests of the device give it to KVM_SET_SREGS.
#pragma once

#include <linux/kvm.h>

#include <cstdint>

namespace ring1 {

// `type`: 3 for data, 11 for code; ring 0.
inline kvm_segment flat(uint16_t selector, uint8_t type) {
  kvm_segment segment = {};
  segment.limit = 0xffffffff;
  segment.selector = selector;
  segment.type = type;
  segment.present = segment.db = segment.s = segment.g = 1;
  return segment;
}

}  // namespace ring1
