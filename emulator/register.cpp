// SPDX-License-Identifier: GPL-2.0-only
// General registers as operands.
#include "base/assert.h"
#include "emulator/context.h"

namespace ring1::emulator {
namespace {

// SPL to DIL and R8B to R15B, which exist with REX only; their numbers are not 0. In Zydis' order they follow AH to BH.
constexpr unsigned low_byte_register(ZydisRegister reg) {
  return reg >= ZYDIS_REGISTER_SPL && reg <= ZYDIS_REGISTER_R15B ? unsigned(reg - ZYDIS_REGISTER_SPL) + kRsp : 0;
}
static_assert(low_byte_register(ZYDIS_REGISTER_DIL) == kRdi && low_byte_register(ZYDIS_REGISTER_R15B) == 15);

void write_low_byte(__u64& gpr, uint64_t value) { gpr = (gpr & ~uint64_t{0xff}) | (value & 0xff); }

}  // namespace

void Context::commit() {
  for (unsigned i = 0; i < 16; ++i) saved->gpr[i] = cpu.gpr[i];
  saved->rip = cpu.rip;
  saved->rflags = cpu.rflags;
}

uint64_t Context::read_register(ZydisRegister reg) const {
  if (reg >= ZYDIS_REGISTER_RAX && reg <= ZYDIS_REGISTER_R15) return cpu.gpr[reg - ZYDIS_REGISTER_RAX];
  if (reg >= ZYDIS_REGISTER_EAX && reg <= ZYDIS_REGISTER_R15D)
    return static_cast<uint32_t>(cpu.gpr[reg - ZYDIS_REGISTER_EAX]);
  if (reg >= ZYDIS_REGISTER_AX && reg <= ZYDIS_REGISTER_R15W)
    return static_cast<uint16_t>(cpu.gpr[reg - ZYDIS_REGISTER_AX]);
  if (reg >= ZYDIS_REGISTER_AL && reg <= ZYDIS_REGISTER_BL)
    return static_cast<uint8_t>(cpu.gpr[reg - ZYDIS_REGISTER_AL]);
  if (reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH)
    return static_cast<uint8_t>(cpu.gpr[reg - ZYDIS_REGISTER_AH] >> 8);
  if (const unsigned number = low_byte_register(reg)) return static_cast<uint8_t>(cpu.gpr[number]);
  if (reg >= ZYDIS_REGISTER_ES && reg <= ZYDIS_REGISTER_GS) return cpu.seg[reg - ZYDIS_REGISTER_ES].selector;
  if (reg == ZYDIS_REGISTER_RIP || reg == ZYDIS_REGISTER_EIP) return next_rip();  // of an address
  RING1_ASSERT(reg == ZYDIS_REGISTER_NONE);
  return 0;
}

void Context::write_register(ZydisRegister reg, uint64_t value) {
  if (reg >= ZYDIS_REGISTER_RAX && reg <= ZYDIS_REGISTER_R15) {
    write_gpr(unsigned(reg - ZYDIS_REGISTER_RAX), 8, value);
  } else if (reg >= ZYDIS_REGISTER_EAX && reg <= ZYDIS_REGISTER_R15D) {
    write_gpr(unsigned(reg - ZYDIS_REGISTER_EAX), 4, value);
  } else if (reg >= ZYDIS_REGISTER_AX && reg <= ZYDIS_REGISTER_R15W) {
    write_gpr(unsigned(reg - ZYDIS_REGISTER_AX), 2, value);
  } else if (reg >= ZYDIS_REGISTER_AL && reg <= ZYDIS_REGISTER_BL) {
    write_low_byte(cpu.gpr[reg - ZYDIS_REGISTER_AL], value);
  } else if (const unsigned number = low_byte_register(reg)) {
    write_low_byte(cpu.gpr[number], value);
  } else {
    RING1_ASSERT(reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH);
    auto& gpr = cpu.gpr[reg - ZYDIS_REGISTER_AH];
    gpr = (gpr & ~uint64_t{0xff00}) | (value & 0xff) << 8;
  }
}

uint64_t Context::read_gpr(unsigned number, unsigned size) const {
  const uint64_t gpr = cpu.gpr[number];
  return size == 8 ? gpr : size == 4 ? static_cast<uint32_t>(gpr) : static_cast<uint16_t>(gpr);
}

void Context::write_gpr(unsigned number, unsigned size, uint64_t value) {
  auto& gpr = cpu.gpr[number];
  gpr = size == 8 ? value : size == 4 ? static_cast<uint32_t>(value) : (gpr & ~uint64_t{0xffff}) | (value & 0xffff);
}

void Context::write_accumulator(unsigned size, uint64_t value) {
  if (size == 1)
    write_low_byte(cpu.gpr[kRax], value);
  else
    write_gpr(kRax, size, value);
}

}  // namespace ring1::emulator
