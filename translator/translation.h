// SPDX-License-Identifier: GPL-2.0-only
// The result of translating one unit: code bytes and everything the cache and the monitor must know of them.
#pragma once

#include <cstdint>

#include "base/address.h"

namespace ring1::translator {

// What a translation depends on besides the guest's bytes; part of the cache's key.
struct Mode {
  uint32_t cs_base = 0;
  bool code32 = true;          // CS.D
  bool stack32 = true;         // SS.B
  uint8_t cpl = 0;             // the guest's CPL
  bool plain_flags = true;     // the guest's IOPL and NT are 0: PUSHF may be inline
  bool plain_segments = true;  // DS, ES, FS hold the guest's own selectors: they may be read natively
  bool operator==(const Mode&) const = default;
};

// How to find the guest's state when translated code stopped in front of this position.
// Guest ESP = ESP + esp_delta. ECX, if spilled, lies at [ESP + ecx_disp] (before the delta is applied).
struct MapEntry {
  enum class Eip : uint8_t {
    kOffset,      // unit's first EIP + guest_offset
    kAtStack,     // the dword at [ESP + eip_disp]
    kExitTarget,  // target of exits[guest_offset]
    kPopped,      // as kOffset; and the guest's EFLAGS, but for IF, are those at [ESP]: a POPF that is all but done
  };
  uint16_t code_offset;   // from the start of the unit's code; an entry holds until the next one
  uint16_t guest_offset;  // kOffset: bytes from the unit's first EIP; kExitTarget: index of the exit
  Eip eip = Eip::kOffset;
  bool boundary = false;  // exactly the guest's state at the start of that instruction; execution may also resume here
  bool shadowed =
      false;  // the guest's STI or MOV SS shadow covers this instruction: deliver no interrupt in front of it
  bool ecx_spilled = false;
  bool ecx_in_gs = false;  // then at SharedPage::spill[0] instead of the stack
  int8_t ecx_disp = 0;
  int8_t esp_delta = 0;
  int8_t eip_disp = 0;
};

// A direct branch out of the unit. Unlinked, its rel32 points at a stub of its own (INT kExit).
struct DirectExit {
  uint16_t patch_offset;  // of the rel32 field
  uint16_t stub_offset;
  uint32_t target_eip;  // guest EIP (offset in CS)
  bool is_call;         // links to the target's call entry: a hardware return address is on the stack
};

// A call's continuation: where the return table's entry for this return address points.
struct ReturnPoint {
  uint16_t code_offset;
  uint32_t return_eip;
};

// An INT kEmulate, kInterrupt or kIndirectMiss in the code; the state there is that of the map entry in force.
struct Callout {
  uint16_t code_offset;   // of the INT
  uint16_t guest_offset;  // the instruction, from the unit's first EIP
  uint16_t mnemonic;      // ZydisMnemonic, so that the monitor can dispatch without decoding again
  uint8_t length;         // of the guest instruction
};

struct Translation {
  static constexpr unsigned kMaxCode = 3072, kMaxMap = 256, kMaxExits = 32, kMaxReturns = 6, kMaxCallouts = 64;
  uint8_t* code = nullptr;  // the caller's buffer of kMaxCode bytes
  uint16_t code_size = 0;
  uint16_t guest_size = 0;  // guest bytes covered, contiguous from the first
  uint16_t instructions = 0;
  uint16_t indirect_entry = 0;  // pops and checks the target; see docs/translator.md
  uint16_t call_entry = 0;      // drops the hardware return address
  uint16_t body = 0;
  uint16_t map_count = 0;
  uint8_t exit_count = 0, return_count = 0, callout_count = 0;
  MapEntry map[kMaxMap];
  DirectExit exits[kMaxExits];
  ReturnPoint returns[kMaxReturns];
  Callout callouts[kMaxCallouts];
};

}  // namespace ring1::translator
