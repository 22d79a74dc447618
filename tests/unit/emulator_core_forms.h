// SPDX-License-Identifier: GPL-2.0-only
// Instruction forms for the differential test: opcode, what follows it, and which flags the manual leaves
// undefined.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "emulator_core_native.h"

namespace ring1::emulator::test {

enum Part : uint32_t {
  kModrm = 1 << 0,
  kImm8 = 1 << 1,
  kImmZ = 1 << 2,  // 16 or 32 bits by the operand size
  kImm16 = 1 << 3,
  kMemoryOnly = 1 << 4,
  kRegisterOnly = 1 << 5,
  kNoPrefix = 1 << 6,        // not with an operand-size prefix
  kRep = 1 << 7,             // also with REP and REPNE
  kStrings = 1 << 8,         // ESI and EDI point into the data, ECX is small
  kBitOffset = 1 << 9,       // the register operand is a bit offset from the memory operand
  kBranch = 1 << 10,         // an immediate is relative, to the target
  kReturn = 1 << 11,         // the stack top holds the target
  kTargetOperand = 1 << 12,  // the r/m operand holds the target
  kDivide = 1 << 13,         // make a quotient that fits likely
  kMoffs = 1 << 14,          // a bare 32-bit offset
  kLock = 1 << 15,           // also with LOCK on a memory operand
  kFrame = 1 << 16,          // EBP points into the data
  kNearFlags = 1 << 17,      // the stack top holds harmless flags
  kSmallTable = 1 << 18,     // EBX points into the data
  kBounds = 1 << 19,         // the memory operand holds generous bounds
  kWide = 1 << 20,           // always with 32-bit operands
};

struct Form {
  const char* name;
  std::vector<uint8_t> opcode;
  uint32_t parts = 0;
  int reg = -1;                     // fixed reg field of ModRM
  uint32_t undefined = 0;           // flags not compared
  uint32_t undefined_if_count = 0;  // flags not compared unless the masked shift count is 1
};

std::vector<Form> all_forms();

struct Case {
  const Form* form;
  CodeSize code_size;
  uint8_t bytes[16];
  unsigned length;
  uint32_t undefined;
  NativeState state;
};

// A random instance of a form with registers and memory to match; `data` is filled.
Case make_case(const Form& form, CodeSize code_size, std::mt19937& random, uint8_t* data);

std::string describe(const Case& the_case);

}  // namespace ring1::emulator::test
