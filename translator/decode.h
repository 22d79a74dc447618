// SPDX-License-Identifier: GPL-2.0-only
// One decoded guest instruction: the few facts the emitters need, much smaller than Zydis' own record.
#pragma once

#include <Zydis/Zydis.h>

#include <cstdint>

#include "translator/translation.h"
#include "translator/treatment.h"

namespace ring1::translator {

inline constexpr unsigned kMaxInstructionBytes = 15;

struct Instruction {
  const uint8_t* bytes;
  uint16_t offset;    // from the unit's first EIP
  uint16_t mnemonic;  // ZydisMnemonic; not of those that the quick decoder knows (plain.h)
  uint8_t length;     // 0: the bytes are no instruction
  Treatment treatment;
  bool operand16, address16;  // effective sizes, by CS.D and the prefixes
  bool indirect;              // a near branch through ModRM
  bool loads_ss;              // MOV SS, POP SS: shadows the next instruction
  uint8_t segment_prefix;     // the one in force, or 0
  uint8_t prefix_bytes;       // legacy prefixes in front of the opcode
  uint8_t map, encoding;      // ZydisOpcodeMap, ZydisInstructionEncoding
  uint8_t opcode;
  uint8_t modrm, modrm_offset;  // modrm_offset 0: none
  bool mandatory66;             // the 66 prefix selects the instruction, not the operand size
  uint32_t branch_target;       // direct branches, cut to 16 bits where the operand size says so

  unsigned mod() const { return modrm >> 6; }
  unsigned reg() const { return modrm >> 3 & 7; }
  unsigned rm() const { return modrm & 7; }
  bool shadows_next() const { return treatment == Treatment::kSetIf || loads_ss; }
  bool ends_unit() const;
};

class Decoder {
 public:
  Decoder(const Mode& mode, uint32_t first_eip);

  // false: the instruction is not complete in `available` bytes. One that does not exist has length 0 and is
  // a callout.
  [[nodiscard]] bool decode(const uint8_t* bytes, unsigned available, uint16_t offset, Instruction* out) const;
  // The same by Zydis alone.
  [[nodiscard]] bool decode_with_zydis(const uint8_t* bytes, unsigned available, uint16_t offset,
                                       Instruction* out) const;

 private:
  void read_prefixes(Instruction* out) const;
  void refine(const ZydisDecodedInstruction& decoded, Instruction* out) const;

  ZydisDecoder decoder_;
  Mode mode_;
  uint32_t first_eip_;
  bool plain_;
};

}  // namespace ring1::translator
