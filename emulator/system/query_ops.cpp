// SPDX-License-Identifier: GPL-2.0-only
// Instructions that ask about descriptors without loading them (SDM 3A 5.10): LAR LSL VERR VERW, and ARPL.
#include "emulator/system/descriptor.h"
#include "emulator/system/handlers.h"
#include "emulator/system/run.h"

namespace ring1::emulator {

namespace {

constexpr uint32_t kLarBits = 0x00f0ff00;  // with 16 bits of operand size only the lower byte pair is kept

void set_zf(Context& c, bool zf) {
  c.cpu.rflags = zf ? c.cpu.rflags | eflags::kZf : c.cpu.rflags & ~uint64_t{eflags::kZf};
}

// By type bit: which system descriptors have access rights, and which a limit.
constexpr uint32_t kLarTypes = 1u << 1 | 1u << 2 | 1u << 3 | 1u << 4 | 1u << 5 | 1u << 9 | 1u << 11 | 1u << 12;
constexpr uint32_t kLslTypes = 1u << 1 | 1u << 2 | 1u << 3 | 1u << 9 | 1u << 11;

// A descriptor that this CPL and the selector's RPL may see; `types`: system types admitted.
Outcome visible(Sys& sys, uint16_t selector, uint32_t types, bool* yes, Descriptor* descriptor) {
  RING1_TRY(find_descriptor(sys, selector, yes, descriptor));
  if (!*yes) return Outcome::kDone;
  if (descriptor->is_system() && !(types >> static_cast<unsigned>(descriptor->system_type()) & 1))
    *yes = false;
  else if (!descriptor->is_conforming())
    *yes = descriptor->dpl() >= cpl_of(sys.cpu) && descriptor->dpl() >= rpl_of(selector);
  return Outcome::kDone;
}

// Operand `index` as a selector, then the descriptor it names.
Outcome look_up(Context& c, unsigned index, uint32_t types, bool* yes, Descriptor* descriptor) {
  if (!c.protected_mode()) return c.raise(Vector::kUd);
  uint64_t selector;
  if (!c.read_operand(index, &selector)) return c.failure;
  Sys sys(c.cpu, c.machine, c.fault);
  return visible(sys, static_cast<uint16_t>(selector), types, yes, descriptor);
}

Outcome verify(Context& c, bool write) {
  bool yes;
  Descriptor descriptor;
  RING1_TRY(look_up(c, 0, 0, &yes, &descriptor));
  set_zf(c, yes && (write ? descriptor.is_writable_data() : descriptor.is_readable()));
  return Outcome::kDone;
}

}  // namespace

Outcome op_lar(Context& c) {
  bool yes;
  Descriptor descriptor;
  RING1_TRY(look_up(c, 1, kLarTypes, &yes, &descriptor));
  if (yes) c.write_register(c.operands[0].reg.value, descriptor.high & kLarBits);
  set_zf(c, yes);
  return Outcome::kDone;
}

Outcome op_lsl(Context& c) {
  bool yes;
  Descriptor descriptor;
  RING1_TRY(look_up(c, 1, kLslTypes, &yes, &descriptor));
  if (yes) c.write_register(c.operands[0].reg.value, descriptor.limit());
  set_zf(c, yes);
  return Outcome::kDone;
}

Outcome op_verr(Context& c) { return verify(c, false); }
Outcome op_verw(Context& c) { return verify(c, true); }

Outcome op_arpl(Context& c) {
  if (!c.protected_mode()) return c.raise(Vector::kUd);
  uint64_t to, from;
  if (!c.read_operand(1, &from) || !c.read_for_write(0, &to)) return c.failure;
  const bool adjust = rpl_of(static_cast<uint16_t>(to)) < rpl_of(static_cast<uint16_t>(from));
  if (adjust && !c.write_operand(0, (to & ~uint64_t{3}) | (from & 3))) return c.failure;
  set_zf(c, adjust);
  return Outcome::kDone;
}

}  // namespace ring1::emulator
