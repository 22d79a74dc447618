// SPDX-License-Identifier: GPL-2.0-only
// Instructions on flags. IF, IOPL and the rest of the system flags follow SDM 2B (POPF, table 4-15) and
// 3A 20.2.7.
#include "emulator/flags.h"
#include "emulator/handlers.h"

namespace ring1::emulator {
namespace {

constexpr uint32_t kStatusOfLahf = eflags::kSf | eflags::kZf | eflags::kAf | eflags::kPf | eflags::kCf;

// May the program change IF? At IOPL below CPL not; in virtual-8086 mode only with IOPL 3.
bool owns_interrupt_flag(const Context& c) { return c.real_mode() || c.cpl() <= c.iopl(); }

// PUSHF and POPF ask for IOPL in virtual-8086 mode only.
bool flags_trapped(const Context& c) { return c.vm86() && c.iopl() != 3; }

Outcome set_flag(Context& c, uint32_t which, bool value) {
  set_flags(c, value ? which : 0, which);
  return Outcome::kDone;
}

// CLAC and STAC come with SMAP.
bool may_change_ac(const Context& c) {
  constexpr uint32_t kFeatures = 7, kEbx = 1, kSmap = 20;
  return c.cpl() == 0 && c.offered(kFeatures, kEbx, kSmap);
}

}  // namespace

Outcome op_cli(Context& c) {
  if (!owns_interrupt_flag(c)) return c.raise(Vector::kGp);
  return set_flag(c, eflags::kIf, false);
}

Outcome op_sti(Context& c) {
  if (!owns_interrupt_flag(c)) return c.raise(Vector::kGp);
  if (!flag(c, eflags::kIf)) c.shadow = RING1_SHADOW_STI;
  return set_flag(c, eflags::kIf, true);
}

Outcome op_pushf(Context& c) {
  if (flags_trapped(c)) return c.raise(Vector::kGp);
  const uint32_t image = static_cast<uint32_t>(c.cpu.rflags) & ~(eflags::kVm | eflags::kRf);
  return c.push(image, c.operand_size()) ? Outcome::kDone : c.failure;
}

Outcome op_popf(Context& c) {
  if (flags_trapped(c)) return c.raise(Vector::kGp);
  uint64_t image;
  if (!c.pop(&image, c.operand_size())) return c.failure;
  uint32_t writable = eflags::kArithmetic | eflags::kTf | eflags::kDf | eflags::kNt;
  if (c.operand_size() >= 4) writable |= eflags::kAc | eflags::kId;
  if (owns_interrupt_flag(c)) writable |= eflags::kIf;
  if (c.cpl() == 0) writable |= eflags::kIopl;
  set_flags(c, static_cast<uint32_t>(image), writable);
  return Outcome::kDone;
}

Outcome op_lahf(Context& c) {
  c.write_register(ZYDIS_REGISTER_AH, (c.cpu.rflags & kStatusOfLahf) | eflags::kFixed1);
  return Outcome::kDone;
}

Outcome op_sahf(Context& c) {
  set_flags(c, static_cast<uint32_t>(c.read_register(ZYDIS_REGISTER_AH)), kStatusOfLahf);
  return Outcome::kDone;
}

Outcome op_clc(Context& c) { return set_flag(c, eflags::kCf, false); }
Outcome op_stc(Context& c) { return set_flag(c, eflags::kCf, true); }
Outcome op_cmc(Context& c) { return set_flag(c, eflags::kCf, !flag(c, eflags::kCf)); }
Outcome op_cld(Context& c) { return set_flag(c, eflags::kDf, false); }
Outcome op_std(Context& c) { return set_flag(c, eflags::kDf, true); }

// Not in the manual: AL = CF ? FFH : 0.
Outcome op_salc(Context& c) {
  c.write_register(ZYDIS_REGISTER_AL, flag(c, eflags::kCf) ? 0xff : 0);
  return Outcome::kDone;
}

Outcome op_clac(Context& c) { return may_change_ac(c) ? set_flag(c, eflags::kAc, false) : c.raise(Vector::kUd); }
Outcome op_stac(Context& c) { return may_change_ac(c) ? set_flag(c, eflags::kAc, true) : c.raise(Vector::kUd); }

}  // namespace ring1::emulator
