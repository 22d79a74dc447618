// SPDX-License-Identifier: GPL-2.0-only
// Which handler executes an instruction, and what must hold before it may.
#pragma once

#include "emulator/context.h"

namespace ring1::emulator {

enum Fact : uint8_t {
  kPlain = 0,
  kPrivileged = 1 << 0,     // #GP(0) unless CPL is 0
  kProtectedOnly = 1 << 1,  // #UD in real and virtual-8086 mode
  kLegacyOnly = 1 << 2,     // the emulator does not know what it does in long mode
};

struct Row {
  ZydisMnemonic mnemonic;
  Handler handler;
  uint8_t facts;
};

// Null if the emulator does not know the instruction. String instructions share the mnemonics MOVSD and CMPSD
// with SSE2; the table means the string instructions.
const Row* find_row(const ZydisDecodedInstruction& instruction);

}  // namespace ring1::emulator
