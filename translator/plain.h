// SPDX-License-Identifier: GPL-2.0-only
// A quick decoder in front of Zydis, for the instructions that nearly all kernel code consists of: copied ones of the
// general-purpose set and direct branches, in 32-bit code. It knows lengths, not operands, and leaves everything else
// to Zydis; tests/unit/translator_plain_test.cpp compares the two over all their opcodes.
#pragma once

#include "translator/decode.h"

namespace ring1::translator {

// Does this mode have 32-bit code and a 32-bit stack, as the quick decoder supposes?
[[nodiscard]] bool plain_mode(const Mode& mode);

// Fills in all of `out` but the mnemonic. false: not one of those instructions, or not complete in `available` bytes.
[[nodiscard]] bool decode_plain(const uint8_t* bytes, unsigned available, uint32_t first_eip, uint16_t offset,
                                Instruction* out);

}  // namespace ring1::translator
