// SPDX-License-Identifier: GPL-2.0-only
// The current stack, and RIP within the current code segment.
#include "emulator/context.h"

namespace ring1::emulator {

void Context::set_stack_pointer(uint64_t value) { write_gpr(kRsp, code64() ? 8 : stack32() ? 4 : 2, value); }

bool Context::push(uint64_t value, unsigned size) {
  const uint64_t top = (stack_pointer() - size) & stack_mask();
  if (!write_memory(kSs, top, &value, size)) return false;
  set_stack_pointer(top);
  return true;
}

bool Context::pop(uint64_t* value, unsigned size) {
  const uint64_t top = stack_pointer();
  *value = 0;
  if (!read_memory(kSs, top, value, size)) return false;
  set_stack_pointer(top + size);
  return true;
}

bool Context::jump(uint64_t target, unsigned size) {
  target &= ~uint64_t{0} >> (64 - 8 * size);
  if (code64() ? !canonical(target) : target > cpu.seg[kCs].limit) return fail(Vector::kGp);
  cpu.rip = target;
  return true;
}

}  // namespace ring1::emulator
