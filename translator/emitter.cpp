// SPDX-License-Identifier: GPL-2.0-only
#include "translator/emitter.h"

#include "base/assert.h"

namespace ring1::translator {
namespace {

namespace x86 = asmjit::x86;

constexpr uint8_t kJmpRel32[] = {0xe9}, kCallRel32[] = {0xe8};
constexpr uint8_t kTwoByteOpcode = 0x0f, kJccRel32 = 0x80;  // the condition's number is added
constexpr uint8_t kIntImm8 = 0xcd;

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
x86::Mem shared_byte_at(uint32_t offset, const x86::Gp& index) {
  x86::Mem memory = x86::ptr_abs(offset, index, 0, 1);
  memory.setSegment(x86::gs);
  return memory;
}
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

void Emitter::mark_at(uint16_t code_offset, State state) {
  if (state.eip == MapEntry::Eip::kOffset && state.guest_offset == current_) state.shadowed |= current_shadowed_;
  if (out_->map_count != 0 && same_state(out_->map[out_->map_count - 1], state)) return;
  state.code_offset = code_offset;
  new_entry(code_offset) = state;
}

// An entry for code from here on; it replaces one for code that was not written.
MapEntry& Emitter::new_entry(uint16_t code_offset) {
  if (out_->map_count == 0 || out_->map[out_->map_count - 1].code_offset != code_offset) {
    RING1_ASSERT(out_->map_count < Translation::kMaxMap);
    ++out_->map_count;
  }
  return out_->map[out_->map_count - 1];
}

// As mark_at() would, which need not compare: no entry in force is the boundary of a new instruction.
void Emitter::boundary(uint16_t guest_offset, bool shadowed, unsigned ahead) {
  current_ = guest_offset;
  current_shadowed_ = shadowed;
  const auto code_offset = static_cast<uint16_t>(offset() + ahead);
  new_entry(code_offset) =
      MapEntry{.code_offset = code_offset, .guest_offset = guest_offset, .boundary = true, .shadowed = shadowed};
}

uint8_t Emitter::add_exit(uint32_t target_eip, bool is_call) {
  RING1_ASSERT(out_->exit_count < Translation::kMaxExits);
  const uint8_t exit = out_->exit_count++;
  out_->exits[exit] = DirectExit{.target_eip = target_eip, .is_call = is_call};
  return exit;
}

// With its rel32 as wide as the cache needs it to link the exit; finish() fills it in.
void Emitter::branch_to(uint8_t exit, const uint8_t* opcode, unsigned opcode_bytes) {
  constexpr uint8_t kRel32[4] = {};
  bytes(opcode, opcode_bytes);
  out_->exits[exit].patch_offset = offset();
  bytes(kRel32, sizeof kRel32);
}

void Emitter::jump_to(uint8_t exit) { branch_to(exit, kJmpRel32, sizeof kJmpRel32); }
void Emitter::call_to(uint8_t exit) { branch_to(exit, kCallRel32, sizeof kCallRel32); }

void Emitter::jump_if(unsigned condition, uint8_t exit) {
  const uint8_t opcode[] = {kTwoByteOpcode, static_cast<uint8_t>(kJccRel32 | (condition & 15))};
  branch_to(exit, opcode, sizeof opcode);
}

void Emitter::add_return_point(uint32_t return_eip) {
  RING1_ASSERT(out_->return_count < Translation::kMaxReturns);
  out_->returns[out_->return_count++] = ReturnPoint{offset(), return_eip};
}

void Emitter::callout(CalloutVector vector, uint16_t guest_offset, uint16_t mnemonic, uint8_t length) {
  note_callout(offset(), guest_offset, mnemonic, length);
  interrupt(vector);
}

void Emitter::note_callout(uint16_t code_offset, uint16_t guest_offset, uint16_t mnemonic, uint8_t length) {
  RING1_ASSERT(out_->callout_count < Translation::kMaxCallouts);
  out_->callouts[out_->callout_count++] = Callout{code_offset, guest_offset, mnemonic, length};
}

void Emitter::interrupt(CalloutVector vector) {
  const uint8_t code[] = {kIntImm8, static_cast<uint8_t>(vector)};
  bytes(code, sizeof code);
}

void Emitter::spill_ecx() {
  if (mode_.stack32)
    assembler_.mov(stack_dword(-8), x86::ecx);
  else
    assembler_.mov(shared_dword(offsetof(SharedPage, spill)), x86::ecx);
}

void Emitter::reload_ecx() {
  if (mode_.stack32)
    assembler_.mov(x86::ecx, stack_dword(-8));
  else
    assembler_.mov(x86::ecx, shared_dword(offsetof(SharedPage, spill)));
}

void Emitter::finish() {
  for (uint8_t exit = 0; exit < out_->exit_count; ++exit) {
    DirectExit& record = out_->exits[exit];
    record.stub_offset = offset();
    const uint32_t distance = record.stub_offset - (record.patch_offset + 4u);
    __builtin_memcpy(out_->code + record.patch_offset, &distance, sizeof distance);
    // A call's hardware return address is already on the stack.
    mark(State::exit(exit).esp(record.is_call ? 4 : 0));
    interrupt(CalloutVector::kExit);
  }
  out_->code_size = offset();
  // Bounded by kMaxInstructions and the longest sequences; asmjit would have stopped at the buffer's end.
  RING1_ASSERT(out_->code_size + kSlack <= Translation::kMaxCode);
}

}  // namespace ring1::translator
