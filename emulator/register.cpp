// SPDX-License-Identifier: GPL-2.0-only
// General registers as operands.
#include "base/assert.h"
#include "emulator/context.h"

namespace ring1::emulator {

void Context::commit() {
  for (unsigned i = 0; i < 16; ++i) saved->gpr[i] = cpu.gpr[i];
  saved->rip = cpu.rip;
  saved->rflags = cpu.rflags;
}

uint64_t Context::read_register(ZydisRegister reg) const {
  if (reg >= ZYDIS_REGISTER_EAX && reg <= ZYDIS_REGISTER_R15D)
    return static_cast<uint32_t>(cpu.gpr[reg - ZYDIS_REGISTER_EAX]);
  if (reg >= ZYDIS_REGISTER_AX && reg <= ZYDIS_REGISTER_R15W)
    return static_cast<uint16_t>(cpu.gpr[reg - ZYDIS_REGISTER_AX]);
  if (reg >= ZYDIS_REGISTER_AL && reg <= ZYDIS_REGISTER_BL)
    return static_cast<uint8_t>(cpu.gpr[reg - ZYDIS_REGISTER_AL]);
  if (reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH)
    return static_cast<uint8_t>(cpu.gpr[reg - ZYDIS_REGISTER_AH] >> 8);
  if (reg >= ZYDIS_REGISTER_ES && reg <= ZYDIS_REGISTER_GS) return cpu.seg[reg - ZYDIS_REGISTER_ES].selector;
  RING1_ASSERT(reg == ZYDIS_REGISTER_NONE);
  return 0;
}

void Context::write_register(ZydisRegister reg, uint64_t value) {
  if (reg >= ZYDIS_REGISTER_EAX && reg <= ZYDIS_REGISTER_R15D) {
    write_gpr(reg - ZYDIS_REGISTER_EAX, 4, value);
  } else if (reg >= ZYDIS_REGISTER_AX && reg <= ZYDIS_REGISTER_R15W) {
    write_gpr(reg - ZYDIS_REGISTER_AX, 2, value);
  } else if (reg >= ZYDIS_REGISTER_AL && reg <= ZYDIS_REGISTER_BL) {
    auto& gpr = cpu.gpr[reg - ZYDIS_REGISTER_AL];
    gpr = (gpr & ~uint64_t{0xff}) | (value & 0xff);
  } else {
    RING1_ASSERT(reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH);
    auto& gpr = cpu.gpr[reg - ZYDIS_REGISTER_AH];
    gpr = (gpr & ~uint64_t{0xff00}) | (value & 0xff) << 8;
  }
}

uint64_t Context::read_gpr(unsigned number, unsigned size) const {
  return size == 2 ? static_cast<uint16_t>(cpu.gpr[number]) : static_cast<uint32_t>(cpu.gpr[number]);
}

void Context::write_gpr(unsigned number, unsigned size, uint64_t value) {
  auto& gpr = cpu.gpr[number];
  gpr = size == 2 ? (gpr & ~uint64_t{0xffff}) | (value & 0xffff) : static_cast<uint32_t>(value);
}

}  // namespace ring1::emulator
