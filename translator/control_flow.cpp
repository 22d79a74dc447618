// SPDX-License-Identifier: GPL-2.0-only
// Near control flow. A return address travels on the guest's stack as the guest's EIP; the return table turns
// it into a position in the cache, and whoever is reached checks it before it believes it.
#include "translator/sequences.h"

namespace ring1::translator {
namespace {

namespace x86 = asmjit::x86;
using x86::ecx, x86::esp;

constexpr unsigned kConditionBits = 15;
constexpr uint8_t kJmpRel32Bytes = 5;
constexpr uint8_t kAddressSizePrefix = 0x67;
constexpr uint8_t kGroup5 = 0xff, kMovLoad = 0x8b;
constexpr unsigned kPushInGroup5 = 6;
constexpr unsigned kEcx = 1;

uint32_t next_eip(const Emitter& e, const Instruction& i) { return e.first_eip() + i.offset + i.length; }

x86::Mem return_table_slot() {
  x86::Mem slot = x86::ptr_abs(kReturnTableOffset, ecx, 2, 4);
  slot.setSegment(x86::gs);
  return slot;
}

// With the target at [esp]: the number of its return table entry into ECX. `base` is the state in front.
void emit_table_index(Emitter& e, const State& base) {
  e.code().mov(stack_dword(-8), ecx);
  e.mark(base.ecx(-8));
  e.code().movzx(ecx, x86::word_ptr(esp));
}

// To the entry, as what it is: a jump. A RET here would pair with a CALL that is none of its own, and this prediction and the
// next one would be wrong.
void emit_table_jump(Emitter& e, const State& base) {
  emit_table_index(e, base);
  e.code().jmp(return_table_slot());
}

// A return: the processor predicts it by the CALL that the guest's call was translated into.
void emit_table_return(Emitter& e, const State& base) {
  emit_table_index(e, base);
  e.code().push(return_table_slot());
  e.mark(base.deeper(4).ecx(-4));
  e.code().ret();
}

// Reached through the return table, with the target at [esp] and ECX at [esp-8]: is it `eip`? Each unit has
// one of these, each call another, always the same but for one field: data, so that it costs no assembling.
struct [[gnu::packed]] TargetCheck {
  uint8_t pop_ecx = 0x59;
  uint8_t lea_ecx[2] = {0x8d, 0x89};
  uint32_t minus_eip = 0;
  uint8_t jecxz_hit[2] = {0xe3, 2};
  uint8_t miss[2] = {0xcd, static_cast<uint8_t>(CalloutVector::kIndirectMiss)};
  uint8_t hit_reload_ecx[4] = {0x8b, 0x4c, 0x24, 0xf4};  // from [esp-12]
};

struct [[gnu::packed]] Entries {
  TargetCheck check;
  uint8_t jmp_body[2] = {0xeb, 4};
  uint8_t lea_esp[4] = {0x8d, 0x64, 0x24, 4};  // the call entry
};

template <class Pattern>
void emit_pattern(Emitter& e, const Pattern& pattern) {
  e.bytes(reinterpret_cast<const uint8_t*>(&pattern), sizeof pattern);
}

void note_check(Emitter& e, uint16_t guest_offset) {
  const uint16_t start = e.offset();
  e.mark_at(start, State::stack(0).esp(4).ecx(-8));
  e.mark_at(static_cast<uint16_t>(start + offsetof(TargetCheck, lea_ecx)), State::stack(-4).ecx(-12));
  e.note_callout(static_cast<uint16_t>(start + offsetof(TargetCheck, miss)), guest_offset, 0, 0);
}

// The operand of an indirect branch under another opcode, prefixes kept.
void emit_operand(Emitter& e, const Instruction& i, uint8_t opcode, unsigned reg) {
  uint8_t bytes[kMaxInstructionBytes];
  unsigned n = 0;
  if (i.address16) bytes[n++] = kAddressSizePrefix;
  if (i.segment_prefix != 0) bytes[n++] = i.segment_prefix;
  bytes[n++] = opcode;
  bytes[n++] = static_cast<uint8_t>((i.modrm & 0xc7) | reg << 3);
  for (unsigned from = i.modrm_offset + 1u; from < i.length; ++from) bytes[n++] = i.bytes[from];
  e.bytes(bytes, n);
}

// The unit goes on behind it.
void emit_return_point(Emitter& e, const Instruction& i) {
  const uint32_t eip = next_eip(e, i);
  e.add_return_point(eip);
  note_check(e, i.offset);
  emit_pattern(e, TargetCheck{.minus_eip = 0u - eip});
}

// Until the target is on the stack the CALL has not been executed, and would be from its start; so its
// operand must not lie where the return addresses are pushed (Decoder::refine).
void emit_indirect_call(Emitter& e, const Instruction& i) {
  x86::Assembler& a = e.code();
  const State here = State::instruction(i.offset);
  const asmjit::Label stub = a.newLabel();
  if (i.mod() == 3) {
    a.mov(shared_dword(offsetof(SharedPage, jump_target)), x86::gpd(i.rm()));
  } else {
    a.mov(shared_dword(offsetof(SharedPage, spill)), ecx);
    emit_operand(e, i, kMovLoad, kEcx);
    e.mark(here.ecx_gs());
    a.mov(shared_dword(offsetof(SharedPage, jump_target)), ecx);
    a.mov(ecx, shared_dword(offsetof(SharedPage, spill)));
    e.mark(here);
  }
  a.push(static_cast<int32_t>(next_eip(e, i)));
  e.mark(here.esp(4));
  a.call(stub);
  emit_return_point(e, i);
  const uint8_t exit = e.add_exit(next_eip(e, i));
  e.mark(State::exit(exit));
  e.jump_to(exit);

  a.bind(stub);
  e.mark(here.esp(8));
  a.lea(esp, stack_dword(4));
  e.mark(here.esp(4));
  a.push(shared_dword(offsetof(SharedPage, jump_target)));
  const State committed = State::stack(0).esp(4);
  e.mark(committed);
  emit_table_jump(e, committed);
}

}  // namespace

void emit_entries(Emitter& e, Translation* out) {
  note_check(e, 0);
  e.mark_at(offsetof(Entries, jmp_body), State::instruction(0));
  e.mark_at(offsetof(Entries, lea_esp), State::instruction(0).esp(4));
  emit_pattern(e, Entries{.check = {.minus_eip = 0u - e.first_eip()}});
  out->indirect_entry = 0;
  out->call_entry = offsetof(Entries, lea_esp);
  out->body = sizeof(Entries);
}

void emit_jump(Emitter& e, const Instruction& i) {
  if (!i.indirect) {
    e.jump_to(e.add_exit(i.branch_target));
    return;
  }
  emit_operand(e, i, kGroup5, kPushInGroup5);
  const State committed = State::stack(0).esp(4);
  e.mark(committed);
  emit_table_jump(e, committed);
}

// Not taken, the unit goes on.
void emit_conditional(Emitter& e, const Instruction& i) {
  e.jump_if(i.opcode & kConditionBits, e.add_exit(i.branch_target));
}

// These branches are short only: over a jump to the exit that is not taken.
void emit_loop(Emitter& e, const Instruction& i) {
  if (i.address16) e.bytes(&kAddressSizePrefix, 1);
  const uint8_t branch[] = {i.opcode, kJmpRel32Bytes};
  e.bytes(branch, sizeof branch);
  const uint8_t fall = e.add_exit(next_eip(e, i));
  e.mark(State::exit(fall));
  e.jump_to(fall);
  const uint8_t taken = e.add_exit(i.branch_target);
  e.mark(State::exit(taken));
  e.jump_to(taken);
}

void emit_call(Emitter& e, const Instruction& i) {
  if (i.indirect) {
    emit_indirect_call(e, i);
    return;
  }
  e.code().push(static_cast<int32_t>(next_eip(e, i)));
  const uint8_t callee = e.add_exit(i.branch_target, true);
  e.mark(State::exit(callee));
  e.call_to(callee);
  emit_return_point(e, i);
}

void emit_return(Emitter& e, const Instruction& i) { emit_table_return(e, State::instruction(i.offset)); }

void emit_push_eip(Emitter& e, const Instruction& i) { e.code().push(static_cast<int32_t>(next_eip(e, i))); }

}  // namespace ring1::translator
