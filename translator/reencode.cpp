// SPDX-License-Identifier: GPL-2.0-only
// Copied instructions. Translated code runs in a segment with D=1; in code of a 16-bit segment the prefixes
// 66 and 67 therefore mean the opposite, and are toggled on the way (SDM 2A 2.1.1, 1 3.3.5).
#include "translator/sequences.h"

namespace ring1::translator {
namespace {

constexpr uint8_t kOperandSizePrefix = 0x66, kAddressSizePrefix = 0x67;

enum class Operand66 : uint8_t {
  kSize,   // means the operand size, or nothing
  kFixed,  // selects the instruction, or the size is fixed: keep as it is
  kUnsure,
};

struct OpcodeRange {
  uint8_t first, last;
};

// The general-purpose part of the two-byte map (SDM 2D table A-3); the rest of it is MMX and SSE.
constexpr OpcodeRange kSized0F[] = {
    {0x0d, 0x0d}, {0x18, 0x1f}, {0x40, 0x4f}, {0x90, 0x97}, {0x98, 0x9f}, {0xa0, 0xa1}, {0xa3, 0xa5},
    {0xab, 0xad}, {0xaf, 0xb1}, {0xb3, 0xb4}, {0xb6, 0xb8}, {0xba, 0xbf}, {0xc0, 0xc1}, {0xc8, 0xcf},
};
// No sized operand and no second meaning: fences, FXSAVE and the like keep their prefixes; MMX and SSE
// follow.
constexpr OpcodeRange kFixed0F[] = {
    {0x10, 0x17}, {0x28, 0x2f}, {0x50, 0x7f}, {0xae, 0xae}, {0xc2, 0xc2}, {0xc4, 0xc6}, {0xd0, 0xff},
};

template <unsigned N>
bool within(const OpcodeRange (&ranges)[N], uint8_t opcode) {
  for (const OpcodeRange& range : ranges)
    if (opcode >= range.first && opcode <= range.last) return true;
  return false;
}

Operand66 meaning_of_66(const Instruction& i) {
  if (i.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY) return Operand66::kUnsure;
  if (i.map == ZYDIS_OPCODE_MAP_DEFAULT) return Operand66::kSize;
  if (i.map != ZYDIS_OPCODE_MAP_0F) return Operand66::kUnsure;
  if (within(kSized0F, i.opcode)) return i.mandatory66 ? Operand66::kUnsure : Operand66::kSize;
  if (within(kFixed0F, i.opcode)) return Operand66::kFixed;
  return Operand66::kUnsure;
}

unsigned reencode(const Instruction& i, uint8_t* to) {
  const bool toggle66 = meaning_of_66(i) == Operand66::kSize;
  unsigned n = 0;
  if (toggle66 ? i.operand16 : !i.operand16) to[n++] = kOperandSizePrefix;
  if (i.address16) to[n++] = kAddressSizePrefix;
  for (unsigned from = 0; from < i.length; ++from) {
    const uint8_t byte = i.bytes[from];
    const bool size_prefix = byte == kOperandSizePrefix || byte == kAddressSizePrefix;
    if (from >= i.prefix_bytes || !size_prefix) to[n++] = byte;
  }
  return n;
}

}  // namespace

bool can_reencode(const Instruction& i) {
  uint8_t bytes[kMaxInstructionBytes + 2];
  return meaning_of_66(i) != Operand66::kUnsure && reencode(i, bytes) <= kMaxInstructionBytes;
}

// QEMU 7.2 computes CMPXCHG8B's flags from a stale source of lazy flags: a trap right behind it pushes an EFLAGS with
// arbitrary bits, DF among them (docs/findings.md). Reading the flags in front of it brings the source up to date.
void settle_flags(Emitter& e, const Instruction& i) {
  e.code().pushfd();
  e.mark(State::instruction(i.offset).esp(4));
  e.code().lea(asmjit::x86::esp, asmjit::x86::ptr(asmjit::x86::esp, 4));
  e.mark(State::instruction(i.offset));
}

void emit_ident(Emitter& e, const Instruction& i) {
  if (i.mnemonic == ZYDIS_MNEMONIC_CMPXCHG8B) settle_flags(e, i);
  if (e.mode().code32) {
    e.bytes(i.bytes, i.length);
    return;
  }
  uint8_t bytes[kMaxInstructionBytes + 2];
  e.bytes(bytes, reencode(i, bytes));
}

}  // namespace ring1::translator
