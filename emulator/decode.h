// SPDX-License-Identifier: GPL-2.0-only
// From CS:RIP to a decoded instruction.
#pragma once

#include "emulator/context.h"

namespace ring1::emulator {

// Zydis' records, left uninitialised until decode() fills what the instruction has.
struct Decoded {
  ZydisDecodedInstruction instruction;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT_VISIBLE];
};

// Fetches and decodes the instruction at CS:RIP and lets the context point at it. kDone, or the fault of the fetch
// (#GP of the limit or the length, #PF), #UD for an invalid encoding, kBlocked, or kUnsupported in 64-bit code.
Outcome decode(Context& c, Decoded* decoded);

}  // namespace ring1::emulator
