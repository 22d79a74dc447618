// SPDX-License-Identifier: GPL-2.0-only
// DAA DAS AAA AAS AAM AAD (SDM 1 7.3.4).
#include "emulator/alu.h"
#include "emulator/flags.h"
#include "emulator/handlers.h"

namespace ring1::emulator {
namespace {

constexpr unsigned kLargestPacked = 0x99, kLargestDigit = 9;

uint8_t al(const Context& c) { return static_cast<uint8_t>(c.cpu.gpr[kRax]); }
uint8_t ah(const Context& c) { return static_cast<uint8_t>(c.cpu.gpr[kRax] >> 8); }

Outcome packed_adjust(Context& c, bool add) {
  const uint8_t old = al(c);
  const bool low = (old & 15) > kLargestDigit || flag(c, eflags::kAf);
  const bool high = old > kLargestPacked || flag(c, eflags::kCf);
  const unsigned correction = (low ? 0x06u : 0u) + (high ? 0x60u : 0u);
  const uint8_t value = static_cast<uint8_t>(add ? old + correction : old - correction);
  // DAS: a borrow out of the low correction counts too.
  const bool carry = high || (!add && low && old < 6);
  c.write_register(ZYDIS_REGISTER_AL, value);
  set_flags(c, result_flags(value, 1) | (low ? eflags::kAf : 0) | (carry ? eflags::kCf : 0));
  return Outcome::kDone;
}

Outcome unpacked_adjust(Context& c, bool add) {
  const bool adjust = (al(c) & 15) > kLargestDigit || flag(c, eflags::kAf);
  uint64_t ax = c.read_gpr(kRax, 2);
  if (adjust) ax = add ? ax + 0x106 : ax - 0x106;
  c.write_gpr(kRax, 2, ax & 0xff0f);
  set_flags(c, (adjust ? eflags::kAf | eflags::kCf : 0) | result_flags(al(c), 1));
  return Outcome::kDone;
}

}  // namespace

Outcome op_daa(Context& c) { return packed_adjust(c, true); }
Outcome op_das(Context& c) { return packed_adjust(c, false); }
Outcome op_aaa(Context& c) { return unpacked_adjust(c, true); }
Outcome op_aas(Context& c) { return unpacked_adjust(c, false); }

Outcome op_aam(Context& c) {
  const uint8_t base = static_cast<uint8_t>(c.immediate(0));
  if (base == 0) return c.raise(Vector::kDe);
  const uint8_t value = al(c);
  c.write_gpr(kRax, 2, (value / base) << 8 | value % base);
  set_flags(c, result_flags(value % base, 1));
  return Outcome::kDone;
}

Outcome op_aad(Context& c) {
  const uint8_t value = static_cast<uint8_t>(al(c) + ah(c) * static_cast<uint8_t>(c.immediate(0)));
  c.write_gpr(kRax, 2, value);
  set_flags(c, result_flags(value, 1));
  return Outcome::kDone;
}

}  // namespace ring1::emulator
