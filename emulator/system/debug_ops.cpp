// SPDX-License-Identifier: GPL-2.0-only
// MOV to and from debug registers (SDM 3B 17.2, 2B MOV DR).
#include "emulator/system/handlers.h"
#include "emulator/system/run.h"

namespace ring1::emulator {

namespace {

constexpr uint64_t kDr6Fixed1 = 0xffff0ff0, kDr6Writable = 0x0000e00f, kDr6AccessDetected = 1u << 13;
constexpr uint64_t kDr7Fixed1 = 1u << 10, kDr7Fixed0 = 1u << 11 | 1u << 12 | 1u << 14 | 1u << 15;
constexpr uint64_t kDr7GeneralDetect = 1u << 13;

bool is_debug_register(ZydisRegister reg) { return reg >= ZYDIS_REGISTER_DR0 && reg <= ZYDIS_REGISTER_DR15; }

void write_debug(Context& c, unsigned number, uint64_t value) {
  if (number == 6)
    c.cpu.dr[6] = (value & kDr6Writable) | kDr6Fixed1;
  else if (number == 7)
    c.cpu.dr[7] = (value & ~kDr7Fixed0) | kDr7Fixed1;
  else
    c.cpu.dr[number] = value;
  c.machine.debug_register_written(number);
}

}  // namespace

Outcome op_mov_dr(Context& c) {
  const ZydisRegister to = c.operands[0].reg.value, from = c.operands[1].reg.value;
  const bool writes = is_debug_register(to);
  unsigned number = static_cast<unsigned>((writes ? to : from) - ZYDIS_REGISTER_DR0);
  if (number > 7) return c.raise(Vector::kUd);
  if (number == 4 || number == 5) {
    if (c.cpu.cr4 & cr4::kDe) return c.raise(Vector::kUd);
    number += 2;
  }
  if (!require_cpl0(c)) return c.failure;
  if (c.cpu.dr[7] & kDr7GeneralDetect) {
    c.cpu.dr[6] |= kDr6AccessDetected;
    return c.raise(Vector::kDb);
  }
  if (writes) {
    const uint64_t value = c.read_register(from);
    if (number >= 6 && value >> 32) return c.raise(Vector::kGp);  // reserved in 64-bit mode
    write_debug(c, number, value);
  } else {
    c.write_register(to, c.cpu.dr[number]);
  }
  return Outcome::kDone;
}

}  // namespace ring1::emulator
