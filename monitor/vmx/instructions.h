// SPDX-License-Identifier: GPL-2.0-only
// The VMX instructions (SDM 3C 31.3), one function each. Those that can fail say so.
#pragma once

#include <cstdint>

#include "hwaccel/vmx/field.h"

namespace ring1::monitor::vmx_instructions {

inline uint64_t vmread(hwaccel::vmx::Field field) {
  uint64_t value = 0;
  asm volatile("vmread %1, %0" : "+r"(value) : "r"(static_cast<uint64_t>(field)) : "cc");
  return value;
}

[[nodiscard]] inline bool vmwrite(hwaccel::vmx::Field field, uint64_t value) {
  bool ok;
  asm volatile("vmwrite %1, %2" : "=@cca"(ok) : "r"(value), "r"(static_cast<uint64_t>(field)) : "cc");
  return ok;
}

[[nodiscard]] inline bool vmptrld(uint64_t vmcs) {
  bool ok;
  asm volatile("vmptrld %1" : "=@cca"(ok) : "m"(vmcs) : "cc", "memory");
  return ok;
}

[[nodiscard]] inline bool vmclear(uint64_t vmcs) {
  bool ok;
  asm volatile("vmclear %1" : "=@cca"(ok) : "m"(vmcs) : "cc", "memory");
  return ok;
}

struct Descriptor {
  uint64_t low, high;
};

[[nodiscard]] inline bool invept(uint64_t type, const Descriptor& descriptor) {
  bool ok;
  asm volatile("invept %1, %2" : "=@cca"(ok) : "m"(descriptor), "r"(type) : "cc", "memory");
  return ok;
}

[[nodiscard]] inline bool invvpid(uint64_t type, const Descriptor& descriptor) {
  bool ok;
  asm volatile("invvpid %1, %2" : "=@cca"(ok) : "m"(descriptor), "r"(type) : "cc", "memory");
  return ok;
}

}  // namespace ring1::monitor::vmx_instructions
