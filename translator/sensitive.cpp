// SPDX-License-Identifier: GPL-2.0-only
// The sensitive instructions that stay inside the cache: the interrupt flag and hidden segment registers.
#include "translator/sequences.h"
#include "x86/registers.h"

namespace ring1::translator {
namespace {

namespace x86 = asmjit::x86;
using x86::ecx;

constexpr uint8_t kMovFromCr = 0x20;  // second opcode byte

uint32_t virtual_segment(unsigned segment) {
  switch (segment) {
    case kCs: return offsetof(SharedPage, virtual_cs);
    case kSs: return offsetof(SharedPage, virtual_ss);
    default: return offsetof(SharedPage, virtual_gs);
  }
}

// Is it one that the monitor may answer from the registers alone? CR4.TSD does not concern CPL 0.
bool brief_of(const Mode& mode, const Instruction& i, BriefRecord* record) {
  if (mode.cpl != 0 || !mode.code32) return false;
  switch (i.mnemonic) {
    case ZYDIS_MNEMONIC_RDTSC: record->kind = Brief::kReadTsc; return true;
    case ZYDIS_MNEMONIC_CPUID: record->kind = Brief::kCpuid; return true;
    case ZYDIS_MNEMONIC_MOV:
      if (i.map != ZYDIS_OPCODE_MAP_0F || i.opcode != kMovFromCr) return false;
      *record = {Brief::kReadControl, static_cast<uint8_t>(i.reg() << 4 | i.rm())};
      return i.reg() == 0 || (i.reg() >= 2 && i.reg() <= 4);
    case ZYDIS_MNEMONIC_IRETD: record->kind = Brief::kReturn; return !i.operand16;
    case ZYDIS_MNEMONIC_SYSEXIT: record->kind = Brief::kSysexit; return true;
    default: return false;
  }
}

}  // namespace

void emit_clear_if(Emitter& e, const Instruction&) {
  e.code().mov(shared_byte(offsetof(SharedPage, interrupt_flag)), 0);
}

// From the first store on the guest has executed its STI, and stands in its shadow.
void emit_set_if(Emitter& e, const Instruction& i) {
  x86::Assembler& a = e.code();
  const uint16_t next = static_cast<uint16_t>(i.offset + i.length);
  const State after = State::instruction(next).shadow();
  const asmjit::Label quiet = a.newLabel();
  a.mov(shared_byte(offsetof(SharedPage, interrupt_flag)), 1);
  e.mark(after);
  e.spill_ecx();
  e.mark(e.spilled(after));
  a.mov(ecx, shared_dword(offsetof(SharedPage, pending)));
  a.jecxz(ecx, quiet);
  e.reload_ecx();
  e.mark(after);
  e.callout(CalloutVector::kInterrupt, i.offset, i.mnemonic, i.length);
  a.bind(quiet);
  e.mark(e.spilled(after));
  e.reload_ecx();
}

// The real IF is always 1. Until the pushed copy is right, the guest has not executed its PUSHF.
void emit_push_flags(Emitter& e, const Instruction& i) {
  x86::Assembler& a = e.code();
  const State before = State::instruction(i.offset).esp(4);
  const asmjit::Label done = a.newLabel();
  a.pushfd();
  e.mark(before);
  a.mov(stack_dword(-8), ecx);
  e.mark(before.ecx(-8));
  a.movzx(ecx, shared_byte(offsetof(SharedPage, interrupt_flag)));
  a.lea(ecx, x86::ptr(ecx, -1));
  a.jecxz(ecx, done);
  a.mov(ecx, stack_dword(0));
  a.lea(ecx, x86::ptr(ecx, -static_cast<int32_t>(eflags::kIf)));
  a.mov(stack_dword(0), ecx);
  a.bind(done);
  a.mov(ecx, stack_dword(-8));
}

// Flags that are not plain are the monitor's. From the store on the guest has executed its POPF, whose flags still lie on the
// stack; who set IF looks for an interrupt behind that, as STI does.
void emit_pop_flags(Emitter& e, const Instruction& i) {
  x86::Assembler& a = e.code();
  const State before = State::instruction(i.offset);
  const State after = State::popped(static_cast<uint16_t>(i.offset + i.length)).esp(4);
  const asmjit::Label clear = a.newLabel(), set = a.newLabel(), load = a.newLabel();
  a.mov(shared_dword(offsetof(SharedPage, spill)), ecx);
  e.mark(before.ecx_gs());
  a.movzx(ecx, x86::byte_ptr(x86::esp, 1));
  a.movzx(ecx, shared_byte_at(offsetof(SharedPage, popped_flags), ecx));
  a.jecxz(ecx, clear);
  a.lea(ecx, x86::ptr(ecx, -1));
  a.jecxz(ecx, set);
  a.mov(ecx, shared_dword(offsetof(SharedPage, spill)));
  e.mark(before);
  e.callout(CalloutVector::kEmulate, i.offset, i.mnemonic, i.length);
  a.bind(clear);
  e.mark(before.ecx_gs());
  a.mov(shared_byte(offsetof(SharedPage, interrupt_flag)), 0);
  e.mark(after.ecx_gs());
  a.jmp(load);
  a.bind(set);
  e.mark(before.ecx_gs());
  a.mov(shared_byte(offsetof(SharedPage, interrupt_flag)), 1);
  e.mark(after.ecx_gs());
  a.mov(ecx, shared_dword(offsetof(SharedPage, pending)));
  a.jecxz(ecx, load);
  e.callout(CalloutVector::kInterrupt, i.offset, i.mnemonic, i.length);
  a.bind(load);
  a.mov(ecx, shared_dword(offsetof(SharedPage, spill)));
  e.mark(after);
  a.popfd();
}

void emit_read_segment(Emitter& e, const Instruction& i) {
  const uint32_t from = virtual_segment(i.reg());
  if (i.operand16)
    e.code().mov(x86::gpw(i.rm()), shared_word(from));
  else
    e.code().mov(x86::gpd(i.rm()), shared_dword(from));
}

void emit_push_segment(Emitter& e, const Instruction& i) {
  // The register's number is in the opcode: 0E, 16, 0F A8.
  const uint32_t from = virtual_segment(i.opcode >> 3 & 7);
  if (i.operand16)
    e.code().push(shared_word(from));
  else
    e.code().push(shared_dword(from));
}

void emit_callout(Emitter& e, const Instruction& i) {
  BriefRecord record{};
  if (!brief_of(e.mode(), i, &record)) return e.callout(CalloutVector::kEmulate, i.offset, i.mnemonic, i.length);
  e.callout(CalloutVector::kBrief, i.offset, i.mnemonic, i.length);
  e.bytes(reinterpret_cast<const uint8_t*>(&record), sizeof record);
}

}  // namespace ring1::translator
