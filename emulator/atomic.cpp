// SPDX-License-Identifier: GPL-2.0-only
// XADD CMPXCHG CMPXCHG8B; CMPXCHG16B is not known. With one virtual processor a read and a write with nothing
// between are atomic enough.
#include "emulator/alu.h"
#include "emulator/flags.h"
#include "emulator/handlers.h"

namespace ring1::emulator {

Outcome op_xadd(Context& c) {
  uint64_t target, source;
  if (!c.read_operand(1, &source) || !c.read_for_write(0, &target)) return c.failure;
  const Value sum = add(target, source, 0, c.size_of(0));
  if (c.has_memory(0)) {
    if (!c.write_operand(0, sum.value) || !c.write_operand(1, target)) return c.failure;
  } else if (!c.write_operand(1, target) || !c.write_operand(0, sum.value)) {  // XADD r,r leaves the sum
    return c.failure;
  }
  set_flags(c, sum.flags);
  return Outcome::kDone;
}

// Memory is written in any case (SDM 2A, CMPXCHG). A register that is not equal keeps its upper half too.
Outcome op_cmpxchg(Context& c) {
  const unsigned size = c.size_of(0);
  uint64_t target, source;
  if (!c.read_operand(1, &source) || !c.read_for_write(0, &target)) return c.failure;
  const Value difference = subtract(c.cpu.gpr[kRax], target, 0, size);
  const bool equal = difference.flags & eflags::kZf;
  if ((equal || c.has_memory(0)) && !c.write_operand(0, equal ? source : target)) return c.failure;
  if (!equal) c.write_accumulator(size, target);
  set_flags(c, difference.flags);
  return Outcome::kDone;
}

Outcome op_cmpxchg8b(Context& c) {
  if (c.size_of(0) != 8) return Outcome::kUnsupported;
  uint64_t target;
  if (!c.read_for_write(0, &target)) return c.failure;
  const auto pair = [&c](unsigned high, unsigned low) { return c.read_gpr(high, 4) << 32 | c.read_gpr(low, 4); };
  const bool equal = target == pair(kRdx, kRax);
  if (!c.write_operand(0, equal ? pair(kRcx, kRbx) : target)) return c.failure;
  if (!equal) {
    c.write_gpr(kRax, 4, target);
    c.write_gpr(kRdx, 4, target >> 32);
  }
  set_flags(c, equal ? eflags::kZf : 0, eflags::kZf);
  return Outcome::kDone;
}

}  // namespace ring1::emulator
