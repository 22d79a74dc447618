// SPDX-License-Identifier: GPL-2.0-only
// The quick decoder against Zydis: every opcode it knows, every ModRM, every SIB, with the prefixes it accepts and
// those it must not. Where it answers, it answers as Zydis does, in each mode it is used in.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "translator/plain.h"

namespace ring1::translator {
namespace {

constexpr uint32_t kFirstEip = 0xc0100000;
constexpr uint16_t kOffset = 37;

using Bytes = std::array<uint8_t, 24>;

std::string hex(const Bytes& bytes) {
  std::ostringstream text;
  for (unsigned i = 0; i < kMaxInstructionBytes; ++i) text << std::hex << unsigned{bytes[i]} << ' ';
  return text.str();
}

// What everything behind the decoder may look at.
auto facts(const Instruction& i) {
  return std::tuple(i.bytes, i.offset, i.length, i.treatment, i.operand16, i.address16, i.indirect, i.loads_ss,
                    i.segment_prefix, i.prefix_bytes, i.map, i.encoding, i.opcode, i.modrm, i.modrm_offset,
                    i.branch_target);
}

class PlainDecoder : public testing::Test {
 protected:
  void compare(const Bytes& bytes) {
    Instruction quick, full;
    if (!decode_plain(bytes.data(), kMaxInstructionBytes, kFirstEip, kOffset, &quick)) return;
    ++known_;
    for (const Decoder& decoder : decoders_) {
      ASSERT_TRUE(decoder.decode_with_zydis(bytes.data(), kMaxInstructionBytes, kOffset, &full)) << hex(bytes);
      ASSERT_NE(full.length, 0) << "not an instruction: " << hex(bytes);
      ASSERT_TRUE(facts(quick) == facts(full))
          << hex(bytes) << " lengths " << unsigned{quick.length} << ' ' << unsigned{full.length};
      ASSERT_NE(full.mnemonic, ZYDIS_MNEMONIC_CMPXCHG8B) << hex(bytes);
    }
  }

  void compare_operands(Bytes bytes, unsigned modrm_at) {
    for (unsigned modrm = 0; modrm < 256; ++modrm) {
      bytes[modrm_at] = static_cast<uint8_t>(modrm);
      const unsigned sibs = modrm >> 6 != 3 && (modrm & 7) == 4 ? 256 : 2;
      for (unsigned sib = 0; sib < sibs; ++sib) {
        bytes[modrm_at + 1] = static_cast<uint8_t>(sib * (sibs == 2 ? 5 : 1));
        compare(bytes);
        if (HasFatalFailure()) return;
      }
    }
  }

  static Mode user_mode() {
    Mode mode;
    mode.cpl = 3;
    mode.plain_flags = mode.plain_segments = false;
    return mode;
  }

  const Decoder decoders_[2] = {Decoder(Mode{}, kFirstEip), Decoder(user_mode(), kFirstEip)};
  uint64_t known_ = 0;
};

Bytes with(const std::vector<uint8_t>& head) {
  Bytes bytes;
  for (unsigned i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(0x81 + 7 * i);
  std::copy(head.begin(), head.end(), bytes.begin());
  return bytes;
}

TEST_F(PlainDecoder, AgreesOnEveryOpcodeAndOperand) {
  const std::vector<std::vector<uint8_t>> prefixes = {{},           {0x66},       {0x64},       {0x3e}, {0x64, 0x66},
                                                      {0x66, 0x36}, {0x26, 0x3e}, {0x66, 0x66}, {0x67}, {0xf0},
                                                      {0xf2},       {0xf3},       {0x2e},       {0x65}};
  for (std::vector<uint8_t> head : prefixes) {
    for (const bool two_byte : {false, true}) {
      std::vector<uint8_t> front = head;
      if (two_byte) front.push_back(0x0f);
      for (unsigned opcode = 0; opcode < 256; ++opcode) {
        std::vector<uint8_t> all = front;
        all.push_back(static_cast<uint8_t>(opcode));
        const unsigned modrm_at = static_cast<unsigned>(all.size());
        compare_operands(with(all), modrm_at);
        if (HasFatalFailure()) return;
      }
    }
  }
  EXPECT_GT(known_, 1'000'000u);
}

TEST_F(PlainDecoder, AgreesOnBranchTargets) {
  for (const uint32_t distance : {0u, 1u, 5u, 0x7fu, 0x80u, 0xffffff80u, 0x7fffffffu, 0x80000000u, 0xfffffffbu}) {
    for (const std::vector<uint8_t>& head :
         std::vector<std::vector<uint8_t>>{{0xe8}, {0xe9}, {0xeb}, {0x74}, {0x0f, 0x85}}) {
      Bytes bytes = with(head);
      std::memcpy(&bytes[head.size()], &distance, sizeof distance);
      compare(bytes);
    }
  }
  EXPECT_EQ(known_, 9u * 5u);
}

TEST_F(PlainDecoder, AgreesOnRandomBytes) {
  std::mt19937 random(1);
  for (unsigned round = 0; round < 2'000'000 && !HasFatalFailure(); ++round) {
    Bytes bytes;
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    compare(bytes);
  }
  EXPECT_GT(known_, 1'000'000u);
}

TEST_F(PlainDecoder, LeavesTheEndOfTheBytesToZydis) {
  Instruction i;
  const Bytes bytes = with({0x89, 0xc8});
  EXPECT_FALSE(decode_plain(bytes.data(), kMaxInstructionBytes - 1, kFirstEip, 0, &i));
  EXPECT_TRUE(decode_plain(bytes.data(), kMaxInstructionBytes, kFirstEip, 0, &i));
}

TEST_F(PlainDecoder, IsFor32BitCodeAndStacks) {
  Mode mode;
  EXPECT_TRUE(plain_mode(mode));
  mode.stack32 = false;
  EXPECT_FALSE(plain_mode(mode));
  mode.stack32 = true, mode.code32 = false;
  EXPECT_FALSE(plain_mode(mode));
}

}  // namespace
}  // namespace ring1::translator
