// SPDX-License-Identifier: GPL-2.0-only
#include "translator/plain.h"

#include "translator/plain_table.h"

namespace ring1::translator {
namespace {

constexpr PlainTable kOneByte = one_byte_opcodes(), kTwoByte = two_byte_opcodes();

constexpr uint8_t kTwoByteEscape = 0x0f, kGroup3Byte = 0xf6, kGroup3 = 0xf7;
constexpr uint8_t kRet = 0xc3, kCall = 0xe8, kJmp = 0xe9, kJmpShort = 0xeb;
constexpr unsigned kMostPrefixes = 2;
constexpr uint8_t kOperandSizePrefix = 0x66;

// Not LOCK, REP and 67, which make other instructions or other lengths, and not CS and GS, which hide something.
constexpr bool is_harmless_segment(uint8_t byte) {
  return byte == 0x26 || byte == 0x36 || byte == 0x3e || byte == 0x64;
}

// Bytes of ModRM, SIB and displacement (SDM 2A tables 2-2 and 2-3).
constexpr unsigned operand_bytes(uint8_t modrm, uint8_t sib) {
  const unsigned mod = modrm >> 6, rm = modrm & 7;
  if (mod == 3) return 1;
  const unsigned with_sib = rm == 4 ? 2 : 1;
  if (mod == 1) return with_sib + 1;
  if (mod == 2) return with_sib + 4;
  const bool absolute = rm == 5 || (rm == 4 && (sib & 7) == 5);
  return with_sib + (absolute ? 4 : 0);
}

// TEST has an immediate, NOT NEG MUL IMUL DIV IDIV have none.
constexpr PlainOpcode group3(uint8_t opcode, uint8_t modrm) {
  const bool test = (modrm >> 3 & 7) < 2;
  const unsigned immediate = opcode == kGroup3Byte ? kImm8 : kImmZ;
  return {static_cast<uint8_t>(kPlain | kModrm | (test ? immediate : 0)), 0xff};
}

Treatment branch_treatment(const Instruction& i) {
  if (i.map == ZYDIS_OPCODE_MAP_0F) return Treatment::kConditional;
  switch (i.opcode) {
    case kRet: return Treatment::kReturn;
    case kCall: return Treatment::kCall;
    case kJmp:
    case kJmpShort: return Treatment::kJump;
    default: return Treatment::kConditional;
  }
}

// `at`: the immediate, if there is one.
void read_branch(const uint8_t* at, unsigned immediate, uint32_t next, Instruction* i) {
  i->treatment = branch_treatment(*i);
  uint32_t distance = 0;
  if (immediate == 4)
    __builtin_memcpy(&distance, at, sizeof distance);
  else if (immediate == 1)
    distance = static_cast<uint32_t>(static_cast<int32_t>(static_cast<int8_t>(*at)));
  else
    return;
  i->branch_target = next + distance;
  if (i->treatment == Treatment::kCall && distance == 0) i->treatment = Treatment::kPushEip;
}

}  // namespace

bool plain_mode(const Mode& mode) { return mode.code32 && mode.stack32; }

bool decode_plain(const uint8_t* bytes, unsigned available, uint32_t first_eip, uint16_t offset, Instruction* out) {
  // The longest: two prefixes, 0F and the opcode, ModRM, SIB, a displacement and an immediate of 4 bytes each. With
  // less at hand Zydis shall look.
  if (available < kMaxInstructionBytes) return false;
  unsigned n = 0;
  bool operand16 = false;
  uint8_t segment = 0;
  for (; n < kMostPrefixes; ++n) {
    if (bytes[n] == kOperandSizePrefix)
      operand16 = true;
    else if (is_harmless_segment(bytes[n]))
      segment = bytes[n];
    else
      break;
  }
  const unsigned prefixes = n;
  const bool two_byte = bytes[n] == kTwoByteEscape;
  if (two_byte) ++n;
  const uint8_t opcode = bytes[n++];
  const bool in_group3 = !two_byte && (opcode == kGroup3Byte || opcode == kGroup3);
  const PlainOpcode entry = in_group3 ? group3(opcode, bytes[n]) : two_byte ? kTwoByte[opcode] : kOneByte[opcode];
  if (!(entry.flags & kPlain) || ((entry.flags & kBranch) && prefixes != 0)) return false;

  const unsigned modrm_at = n;
  uint8_t modrm = 0;
  if (entry.flags & kModrm) {
    modrm = bytes[n];
    if (!(entry.regs >> (modrm >> 3 & 7) & 1)) return false;
    if ((entry.flags & kMemory) && modrm >> 6 == 3) return false;
    n += operand_bytes(modrm, bytes[n + 1]);
  }
  unsigned immediate = 0;
  if (entry.flags & kImm8) immediate = 1;
  if (entry.flags & kImmZ) immediate = operand16 ? 2 : 4;
  if (entry.flags & kAddress) immediate = 4;
  n += immediate;

  *out = Instruction{
      .bytes = bytes,
      .offset = offset,
      .mnemonic = ZYDIS_MNEMONIC_INVALID,
      .length = static_cast<uint8_t>(n),
      .treatment = Treatment::kIdent,
      .operand16 = operand16,
      .segment_prefix = segment,
      .prefix_bytes = static_cast<uint8_t>(prefixes),
      .map = static_cast<uint8_t>(two_byte ? ZYDIS_OPCODE_MAP_0F : ZYDIS_OPCODE_MAP_DEFAULT),
      .encoding = ZYDIS_INSTRUCTION_ENCODING_LEGACY,
      .opcode = opcode,
      .modrm = modrm,
      .modrm_offset = static_cast<uint8_t>(entry.flags & kModrm ? modrm_at : 0),
  };
  if (entry.flags & kBranch) read_branch(bytes + n - immediate, immediate, first_eip + offset + n, out);
  return true;
}

}  // namespace ring1::translator
