// SPDX-License-Identifier: GPL-2.0-only
// Model-specific registers, TLB and caches.
#include "emulator/system/handlers.h"
#include "emulator/system/run.h"

namespace ring1::emulator {

Outcome op_rdmsr(Context& c) {
  uint64_t value;
  if (!require_cpl0(c)) return c.failure;
  if (!c.machine.read_msr(static_cast<uint32_t>(c.cpu.gpr[kRcx]), &value)) return c.raise(Vector::kGp);
  c.cpu.gpr[kRax] = static_cast<uint32_t>(value);
  c.cpu.gpr[kRdx] = value >> 32;
  return Outcome::kDone;
}

Outcome op_wrmsr(Context& c) {
  if (!require_cpl0(c)) return c.failure;
  const uint64_t value = (c.cpu.gpr[kRdx] << 32) | static_cast<uint32_t>(c.cpu.gpr[kRax]);
  return c.machine.write_msr(static_cast<uint32_t>(c.cpu.gpr[kRcx]), value) ? Outcome::kDone : c.raise(Vector::kGp);
}

// No limit or type check: the operand is an address, not an access (SDM 2A INVLPG). One that is not canonical does
// nothing.
Outcome op_invlpg(Context& c) {
  if (!require_cpl0(c)) return c.failure;
  if (!c.has_memory(0)) return c.raise(Vector::kUd);
  const SegmentRegister segment = c.segment_of(0);
  const uint64_t base = c.code64() && segment < kFs ? 0 : c.cpu.seg[segment].base;
  const uint64_t address = base + c.offset_of(0);
  if (!c.code64())
    c.machine.invlpg(Gva(static_cast<uint32_t>(address)));
  else if (c.canonical(address))
    c.machine.invlpg(Gva(address));
  return Outcome::kDone;
}

// Dropping dirty lines would be dropping memory of the host: INVD writes back.
Outcome op_invd(Context& c) { return op_wbinvd(c); }

Outcome op_wbinvd(Context& c) {
  if (!require_cpl0(c)) return c.failure;
  c.machine.wbinvd();
  return Outcome::kDone;
}

}  // namespace ring1::emulator
