// SPDX-License-Identifier: GPL-2.0-only
// The current stack, and RIP within the current code segment.
#include "emulator/context.h"

namespace ring1::emulator {

void Context::set_stack_pointer(uint32_t value) {
  write_gpr(kRsp, stack32() ? 4 : 2, value);
}

bool Context::push(uint32_t value, unsigned size) {
  const uint32_t top = (stack_pointer() - size) & stack_mask();
  if (!write_memory(kSs, top, &value, size)) return false;
  set_stack_pointer(top);
  return true;
}

bool Context::pop(uint32_t* value, unsigned size) {
  const uint32_t top = stack_pointer();
  *value = 0;
  if (!read_memory(kSs, top, value, size)) return false;
  set_stack_pointer(top + size);
  return true;
}

bool Context::jump(uint32_t target, unsigned size) {
  if (size == 2) target &= 0xffffu;
  if (target > cpu.seg[kCs].limit) return fail(Vector::kGp);
  cpu.rip = target;
  return true;
}

}  // namespace ring1::emulator
