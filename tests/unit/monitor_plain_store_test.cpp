// SPDX-License-Identifier: GPL-2.0-only
// The stores that are answered without decoding: against Zydis, for all that ModRM and SIB can say.
#include <Zydis/Zydis.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "monitor/bt/plain_store.h"

namespace ring1::monitor {
namespace {

TrapBlock random_block(std::mt19937& random) {
  TrapBlock block{};
  for (unsigned n = 0; n < 8; n++) block.gpr(n) = random();
  return block;
}

uint32_t gpr(TrapBlock& block, ZydisRegister name) {
  return static_cast<uint32_t>(block.gpr(static_cast<unsigned>(name - ZYDIS_REGISTER_EAX)));
}

uint32_t effective_address(TrapBlock& block, const ZydisDecodedOperand& operand) {
  uint32_t offset = static_cast<uint32_t>(operand.mem.disp.value);
  if (operand.mem.base != ZYDIS_REGISTER_NONE) offset += gpr(block, operand.mem.base);
  if (operand.mem.index != ZYDIS_REGISTER_NONE) offset += gpr(block, operand.mem.index) * operand.mem.scale;
  return offset;
}

struct Reference {
  bool plain;
  PlainStore store;
};

Reference reference(const uint8_t* bytes, TrapBlock& block) {
  ZydisDecoder decoder;
  ZydisDecodedInstruction i;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
  ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
  if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, 15, &i, operands))) return {};
  if (i.mnemonic != ZYDIS_MNEMONIC_MOV || i.raw.prefix_count || operands[0].type != ZYDIS_OPERAND_TYPE_MEMORY) return {};
  if (i.opcode != 0x89 && i.opcode != 0xc7) return {};
  const uint32_t value = operands[1].type == ZYDIS_OPERAND_TYPE_REGISTER
                             ? gpr(block, operands[1].reg.value)
                             : static_cast<uint32_t>(operands[1].imm.value.u);
  return {true, {effective_address(block, operands[0]), value, i.length}};
}

TEST(PlainStore, AsTheDecoderSays) {
  std::mt19937 random(1);
  unsigned stores = 0;
  for (unsigned opcode : {0x89u, 0xc7u})
    for (unsigned modrm = 0; modrm < 256; modrm++)
      for (unsigned sib = 0; sib < 256; sib++) {
        TrapBlock block = random_block(random);
        uint8_t bytes[16] = {static_cast<uint8_t>(opcode), static_cast<uint8_t>(modrm), static_cast<uint8_t>(sib)};
        for (unsigned n = 3; n < sizeof bytes; n++) bytes[n] = static_cast<uint8_t>(random());
        const Reference expected = reference(bytes, block);
        PlainStore store{};
        ASSERT_EQ(read_plain_store(bytes, block, &store), expected.plain) << std::hex << opcode << " " << modrm << " " << sib;
        if (!expected.plain) continue;
        stores++;
        ASSERT_EQ(store.offset, expected.store.offset) << std::hex << opcode << " " << modrm << " " << sib;
        ASSERT_EQ(store.value, expected.store.value) << std::hex << opcode << " " << modrm << " " << sib;
        ASSERT_EQ(store.length, expected.store.length) << std::hex << opcode << " " << modrm << " " << sib;
      }
  EXPECT_GT(stores, 50000u);
}

TEST(PlainStore, NothingElse) {
  std::mt19937 random(2);
  for (unsigned first = 0; first < 256; first++) {
    if (first == 0x89 || first == 0xc7) continue;
    TrapBlock block = random_block(random);
    const uint8_t bytes[16] = {static_cast<uint8_t>(first), 0x03};
    PlainStore store{};
    EXPECT_FALSE(read_plain_store(bytes, block, &store)) << std::hex << first;
  }
}

}  // namespace
}  // namespace ring1::monitor
