// SPDX-License-Identifier: GPL-2.0-only
// Writes a unit: asmjit for the code, and beside it the map, the exits, the return points and the callouts.
#pragma once

#include <asmjit/x86.h>

#include <cstdint>

#include "translator/decode.h"
#include "translator/shared_page.h"
#include "translator/translation.h"

namespace ring1::translator {

// Guest state at a point of a sequence, as a map entry under construction.
struct State : MapEntry {
  static State instruction(uint16_t guest_offset) { return State(MapEntry::Eip::kOffset, guest_offset); }
  static State popped(uint16_t guest_offset) { return State(MapEntry::Eip::kPopped, guest_offset); }
  static State exit(uint16_t index) { return State(MapEntry::Eip::kExitTarget, index); }
  static State stack(int8_t disp) {
    State s(MapEntry::Eip::kAtStack, 0);
    s.eip_disp = disp;
    return s;
  }

  State esp(int8_t delta) const {
    State s = *this;
    s.esp_delta = delta;
    return s;
  }
  // The same state with `bytes` more on the stack.
  State deeper(int8_t bytes) const {
    State s = *this;
    s.esp_delta = static_cast<int8_t>(s.esp_delta + bytes);
    if (s.eip == MapEntry::Eip::kAtStack) s.eip_disp = static_cast<int8_t>(s.eip_disp + bytes);
    return s;
  }
  State ecx(int8_t disp) const {
    State s = *this;
    s.ecx_spilled = true;
    s.ecx_disp = disp;
    return s;
  }
  State ecx_gs() const {
    State s = *this;
    s.ecx_spilled = s.ecx_in_gs = true;
    return s;
  }
  State shadow() const {
    State s = *this;
    s.shadowed = true;
    return s;
  }

 private:
  State(MapEntry::Eip how, uint16_t offset) : MapEntry{} {
    eip = how;
    guest_offset = offset;
  }
};

class Emitter {
 public:
  Emitter(Translation* out, uint32_t first_eip, const Mode& mode);

  asmjit::x86::Assembler& code() { return assembler_; }
  const Mode& mode() const { return mode_; }
  uint32_t first_eip() const { return first_eip_; }
  uint16_t offset() const { return static_cast<uint16_t>(assembler_.offset()); }
  void bytes(const uint8_t* from, unsigned count) { assembler_.embed(from, count); }

  // The state from here on. One that goes back to an instruction in a shadow is in that shadow as well.
  void mark(const State& state) { mark_at(offset(), state); }
  void mark_at(uint16_t code_offset, State state);
  // An instruction begins `ahead` bytes behind what is written so far.
  void boundary(uint16_t guest_offset, bool shadowed, unsigned ahead = 0);

  // A new direct exit, and the branches to it. A conditional one takes the condition's number (SDM 2 appendix
  // B).
  uint8_t add_exit(uint32_t target_eip, bool is_call = false);
  void jump_to(uint8_t exit);
  void jump_if(unsigned condition, uint8_t exit);
  void call_to(uint8_t exit);

  void add_return_point(uint32_t return_eip);
  void callout(CalloutVector vector, uint16_t guest_offset, uint16_t mnemonic, uint8_t length);
  void note_callout(uint16_t code_offset, uint16_t guest_offset, uint16_t mnemonic, uint8_t length);

  // ECX to its place below the stack and back; with a 16-bit stack pointer that place is on the shared page.
  void spill_ecx();
  void reload_ecx();
  State spilled(const State& state) const { return mode_.stack32 ? state.ecx(-8) : state.ecx_gs(); }

  // Emits the exits' stubs and closes the unit.
  void finish();

 private:
  MapEntry& new_entry(uint16_t code_offset);
  void interrupt(CalloutVector vector);
  void branch_to(uint8_t exit, const uint8_t* opcode, unsigned opcode_bytes);

  static constexpr unsigned kArenaBytes = 6144;
  static constexpr unsigned kSlack = 16;  // asmjit refuses an instruction that might not fit

  Translation* out_;
  uint16_t current_ = 0;  // the instruction whose code is being written, and whether it stands in a shadow
  bool current_shadowed_ = false;
  const uint32_t first_eip_;
  const Mode mode_;
  alignas(8) uint8_t arena_[kArenaBytes];  // so that asmjit never allocates
  asmjit::CodeHolder holder_;
  asmjit::x86::Assembler assembler_;
};

// Operands through GS.
asmjit::x86::Mem shared_dword(uint32_t offset);
asmjit::x86::Mem shared_word(uint32_t offset);
asmjit::x86::Mem shared_byte(uint32_t offset);
asmjit::x86::Mem shared_byte_at(uint32_t offset, const asmjit::x86::Gp& index);
asmjit::x86::Mem stack_dword(int32_t disp);

}  // namespace ring1::translator
