// SPDX-License-Identifier: GPL-2.0-only
// What follows the opcode of a plain instruction (SDM 2D tables ).
#pragma once

#include <array>
#include <cstdint>

namespace ring1::translator {

enum PlainFlag : uint8_t {
  kPlain = 1 << 0,
  kModrm = 1 << 1,
  kImm8 = 1 << 2,
  kImmZ = 1 << 3,     // 4 bytes, 2 with a 66 prefix
  kAddress = 1 << 4,  // 4 bytes: MOV with an absolute address
  kMemory = 1 << 5,   // ModRM must name memory
  kBranch = 1 << 6,   // its immediate is relative; prefixes mean something else, Zydis shall say what
};

struct PlainOpcode {
  uint8_t flags = 0;
  uint8_t regs = 0xff;  // allowed values of ModRM.reg, a bit each
};

using PlainTable = std::array<PlainOpcode, 256>;

constexpr void add(PlainTable* table, unsigned first, unsigned last, unsigned flags, uint8_t regs = 0xff) {
  for (unsigned opcode = first; opcode <= last; ++opcode)
    (*table)[opcode] = {static_cast<uint8_t>(flags | kPlain), regs};
}

// Group 3 (F6, F7) is not here: its immediate depends on ModRM.reg.
constexpr PlainTable one_byte_opcodes() {
  PlainTable table;
  for (unsigned alu = 0x00; alu <= 0x38; alu += 8) {  // ADD OR ADC SBB AND SUB XOR CMP
    add(&table, alu, alu + 3, kModrm);
    add(&table, alu + 4, alu + 4, kImm8);
    add(&table, alu + 5, alu + 5, kImmZ);
  }
  add(&table, 0x40, 0x5f, 0);  // INC DEC PUSH POP
  add(&table, 0x68, 0x68, kImmZ);
  add(&table, 0x69, 0x69, kModrm | kImmZ);
  add(&table, 0x6a, 0x6a, kImm8);
  add(&table, 0x6b, 0x6b, kModrm | kImm8);
  add(&table, 0x70, 0x7f, kBranch | kImm8);
  add(&table, 0x80, 0x80, kModrm | kImm8);
  add(&table, 0x81, 0x81, kModrm | kImmZ);
  add(&table, 0x83, 0x83, kModrm | kImm8);
  add(&table, 0x84, 0x8b, kModrm);            // TEST XCHG MOV
  add(&table, 0x8d, 0x8d, kModrm | kMemory);  // LEA
  add(&table, 0x91, 0x99, 0);                 // XCHG CWDE CDQ
  add(&table, 0xa0, 0xa3, kAddress);
  add(&table, 0xa4, 0xa7, 0);  // string instructions
  add(&table, 0xa8, 0xa8, kImm8);
  add(&table, 0xa9, 0xa9, kImmZ);
  add(&table, 0xaa, 0xaf, 0);
  add(&table, 0xb0, 0xb7, kImm8);
  add(&table, 0xb8, 0xbf, kImmZ);
  add(&table, 0xc0, 0xc1, kModrm | kImm8);
  add(&table, 0xc3, 0xc3, kBranch);
  add(&table, 0xc6, 0xc6, kModrm | kImm8, 1);
  add(&table, 0xc7, 0xc7, kModrm | kImmZ, 1);
  add(&table, 0xc9, 0xc9, 0);
  add(&table, 0xd0, 0xd3, kModrm);
  add(&table, 0xe8, 0xe9, kBranch | kImmZ);
  add(&table, 0xeb, 0xeb, kBranch | kImm8);
  add(&table, 0xf5, 0xf5, 0);  // CMC CLC STC CLD STD
  add(&table, 0xf8, 0xf9, 0);
  add(&table, 0xfc, 0xfd, 0);
  add(&table, 0xfe, 0xfe, kModrm, 0b11);        // INC DEC
  add(&table, 0xff, 0xff, kModrm, 0b100'0011);  // INC DEC PUSH
  return table;
}

constexpr PlainTable two_byte_opcodes() {
  PlainTable table;
  add(&table, 0x40, 0x4f, kModrm);  // CMOVcc
  add(&table, 0x80, 0x8f, kBranch | kImmZ);
  add(&table, 0x90, 0x9f, kModrm);  // SETcc
  add(&table, 0xa3, 0xa3, kModrm);  // BT BTS BTR BTC
  add(&table, 0xab, 0xab, kModrm);
  add(&table, 0xb3, 0xb3, kModrm);
  add(&table, 0xbb, 0xbb, kModrm);
  add(&table, 0xba, 0xba, kModrm | kImm8, 0b1111'0000);
  add(&table, 0xa4, 0xa4, kModrm | kImm8);  // SHLD SHRD
  add(&table, 0xa5, 0xa5, kModrm);
  add(&table, 0xac, 0xac, kModrm | kImm8);
  add(&table, 0xad, 0xad, kModrm);
  add(&table, 0xaf, 0xb1, kModrm);  // IMUL CMPXCHG
  add(&table, 0xb6, 0xb7, kModrm);  // MOVZX MOVSX
  add(&table, 0xbe, 0xbf, kModrm);
  add(&table, 0xbc, 0xbd, kModrm);  // BSF BSR
  add(&table, 0xc0, 0xc1, kModrm);  // XADD
  add(&table, 0xc8, 0xcf, 0);       // BSWAP
  return table;
}

}  // namespace ring1::translator
