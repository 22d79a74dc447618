// SPDX-License-Identifier: GPL-2.0-only
// What becomes of each class of instruction, as a table over Zydis' categories and mnemonics.
#pragma once

#include <Zydis/Zydis.h>

#include <cstdint>

namespace ring1::translator {

enum class Treatment : uint8_t {
  kCallout,      // the monitor executes it; the unit goes on
  kCalloutEnd,   // the monitor executes it; the unit ends, since control or the mode may change
  kIdent,        // the bytes are copied
  kNop,          // copied whatever its prefixes
  kJump,         // JMP, near: direct or indirect
  kConditional,  // Jcc
  kLoop,         // LOOPcc, JCXZ, JECXZ
  kCall,         // CALL, near: direct or indirect
  kReturn,       // RET, near
  kClearIf,      // CLI
  kSetIf,        // STI
  kPushFlags,    // PUSHF
  kPopFlags,     // POPF
  kMove,         // MOV: segment, control and debug registers are looked for
  kPushPop,      // PUSH, POP: segment registers are looked for
  kEnter,        // ENTER
  // Not in the table; what a look at the operands may give.
  kPushEip,      // CALL to the next instruction, the idiom that reads EIP
  kReadSegment,  // MOV r, CS/SS/GS
  kPushSegment,  // PUSH CS/SS/GS
};

// Safe by default: a class that the table does not know is a callout.
[[nodiscard]] Treatment treatment_of(ZydisMnemonic mnemonic, ZydisInstructionCategory category);

}  // namespace ring1::translator
