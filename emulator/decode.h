// SPDX-License-Identifier: GPL-2.0-only
// From CS:RIP to a decoded instruction.
#pragma once

#include "emulator/context.h"

namespace ring1::emulator {

// Zydis' records, left uninitialised until decode() fills what the instruction has. No instruction that is
// executed here has more than three visible operands; of others the rest is dropped.
struct Decoded {
  static constexpr unsigned kMaxOperands = 3;
  ZydisDecodedInstruction instruction;
  ZydisDecodedOperand operands[kMaxOperands];
};

// Decodes the instruction at CS:RIP and lets the context point at it: at *decoded, or into the cache (which may be
// null). Fetches what of it is not known (`known` may be null). kDone, or the fault of the fetch (#GP of the limit or
// the length, #PF), #UD for an invalid encoding, or kBlocked.
Outcome decode(Context& c, DecodeCache* cache, const InstructionBytes* known, Decoded* decoded);

}  // namespace ring1::emulator
