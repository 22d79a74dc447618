// SPDX-License-Identifier: GPL-2.0-only
#include "translator/emitter.h"

#include "base/assert.h"

namespace ring1::translator {
namespace {

namespace x86 = asmjit::x86;

// By the condition's number.
constexpr uint32_t kConditionalJumps[16] = {
    x86::Inst::kIdJo, x86::Inst::kIdJno, x86::Inst::kIdJb, x86::Inst::kIdJnb, x86::Inst::kIdJz, x86::Inst::kIdJnz,
    x86::Inst::kIdJbe, x86::Inst::kIdJnbe, x86::Inst::kIdJs, x86::Inst::kIdJns, x86::Inst::kIdJp, x86::Inst::kIdJnp,
    x86::Inst::kIdJl, x86::Inst::kIdJnl, x86::Inst::kIdJle, x86::Inst::kIdJnle};

bool same_state(const MapEntry& a, const MapEntry& b) {
  return a.eip == b.eip && a.guest_offset == b.guest_offset && a.boundary == b.boundary && a.shadowed == b.shadowed &&
         a.ecx_spilled == b.ecx_spilled && a.ecx_in_gs == b.ecx_in_gs && a.ecx_disp == b.ecx_disp &&
         a.esp_delta == b.esp_delta && a.eip_disp == b.eip_disp;
}

x86::Mem through_gs(uint32_t offset, uint32_t size) {
  x86::Mem memory = x86::ptr_abs(offset, size);
  memory.setSegment(x86::gs);
  return memory;
}

}  // namespace

x86::Mem shared_dword(uint32_t offset) { return through_gs(offset, 4); }
x86::Mem shared_word(uint32_t offset) { return through_gs(offset, 2); }
x86::Mem shared_byte(uint32_t offset) { return through_gs(offset, 1); }
x86::Mem stack_dword(int32_t disp) { return x86::dword_ptr(x86::esp, disp); }

Emitter::Emitter(Translation* out, uint32_t first_eip, const Mode& mode)
    : out_(out), first_eip_(first_eip), mode_(mode), holder_(asmjit::Support::Temporary(arena_, kArenaBytes)) {
  RING1_ASSERT(out->code != nullptr);
  out->code_size = out->guest_size = out->instructions = 0;
  out->map_count = 0;
  out->exit_count = out->return_count = out->callout_count = 0;

  holder_.init(asmjit::Environment(asmjit::Arch::kX86), 0);
  asmjit::CodeBuffer& buffer = holder_.textSection()->buffer();
  buffer._data = out->code;
  buffer._size = 0;
  buffer._capacity = Translation::kMaxCode;
  buffer._flags = asmjit::CodeBufferFlags::kIsExternal | asmjit::CodeBufferFlags::kIsFixed;
  holder_.attach(&assembler_);
}

void Emitter::mark(State state) {
  if (state.eip == MapEntry::Eip::kOffset && state.guest_offset == current_) state.shadowed |= current_shadowed_;
  MapEntry* last = out_->map_count != 0 ? &out_->map[out_->map_count - 1] : nullptr;
  if (last != nullptr && same_state(*last, state)) return;
  if (last == nullptr || last->code_offset != offset()) {
    RING1_ASSERT(out_->map_count < Translation::kMaxMap);
    last = &out_->map[out_->map_count++];
  }
  *last = state;
  last->code_offset = offset();
}

void Emitter::boundary(uint16_t guest_offset, bool shadowed) {
  State state = State::instruction(guest_offset);
  state.boundary = true;
  current_ = guest_offset;
  current_shadowed_ = shadowed;
  mark(state);
}

uint8_t Emitter::add_exit(uint32_t target_eip, bool is_call) {
  RING1_ASSERT(out_->exit_count < Translation::kMaxExits);
  const uint8_t exit = out_->exit_count++;
  out_->exits[exit] = DirectExit{.target_eip = target_eip, .is_call = is_call};
  exit_labels_[exit] = assembler_.newLabel();
  return exit;
}

void Emitter::jump_to(uint8_t exit) {
  assembler_.long_().jmp(exit_labels_[exit]);
  note_patch(exit);
}

void Emitter::jump_if(unsigned condition, uint8_t exit) {
  assembler_.long_();
  assembler_.emit(kConditionalJumps[condition & 15], exit_labels_[exit]);
  note_patch(exit);
}

void Emitter::call_to(uint8_t exit) {
  assembler_.call(exit_labels_[exit]);
  note_patch(exit);
}

void Emitter::note_patch(uint8_t exit) { out_->exits[exit].patch_offset = static_cast<uint16_t>(offset() - 4); }

void Emitter::add_return_point(uint32_t return_eip) {
  RING1_ASSERT(out_->return_count < Translation::kMaxReturns);
  out_->returns[out_->return_count++] = ReturnPoint{offset(), return_eip};
}

void Emitter::callout(CalloutVector vector, uint16_t guest_offset, uint16_t mnemonic, uint8_t length) {
  RING1_ASSERT(out_->callout_count < Translation::kMaxCallouts);
  out_->callouts[out_->callout_count++] = Callout{offset(), guest_offset, mnemonic, length};
  interrupt(vector);
}

void Emitter::spill_ecx() {
  if (mode_.stack32) assembler_.mov(stack_dword(-8), x86::ecx);
  else assembler_.mov(shared_dword(offsetof(SharedPage, spill)), x86::ecx);
}

void Emitter::reload_ecx() {
  if (mode_.stack32) assembler_.mov(x86::ecx, stack_dword(-8));
  else assembler_.mov(x86::ecx, shared_dword(offsetof(SharedPage, spill)));
}

void Emitter::finish() {
  for (uint8_t exit = 0; exit < out_->exit_count; ++exit) {
    assembler_.bind(exit_labels_[exit]);
    out_->exits[exit].stub_offset = offset();
    // A call's hardware return address is already on the stack.
    mark(State::exit(exit).esp(out_->exits[exit].is_call ? 4 : 0));
    interrupt(CalloutVector::kExit);
  }
  out_->code_size = offset();
  // Bounded by kMaxInstructions and the longest sequences; asmjit would have stopped at the buffer's end.
  RING1_ASSERT(out_->code_size + kSlack <= Translation::kMaxCode);
}

}  // namespace ring1::translator
