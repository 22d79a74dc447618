// SPDX-License-Identifier: GPL-2.0-only
// One instruction: fetch, decode, check, execute, and what the processor does between instructions.
#include "emulator/decode.h"
#include "emulator/table.h"

namespace ring1::emulator {
namespace {

constexpr uint64_t kDr6SingleStep = 1u << 14;

void save(const ring1_cpu_state& cpu, Snapshot* saved) {
  for (unsigned i = 0; i < 16; ++i) saved->gpr[i] = cpu.gpr[i];
  saved->rip = cpu.rip;
  saved->rflags = cpu.rflags;
}

void restore(ring1_cpu_state& cpu, const Snapshot& saved) {
  for (unsigned i = 0; i < 16; ++i) cpu.gpr[i] = saved.gpr[i];
  cpu.rip = saved.rip;
  cpu.rflags = saved.rflags;
}

// Floating point and vectors are not executed here, but their "device not available" is ours to raise (SDM
// 3A 2.5).
Outcome unknown(Context& c) {
  const bool x87 = c.instruction->meta.isa_ext == ZYDIS_ISA_EXT_X87;
  const bool vector =
      c.instruction->meta.isa_ext == ZYDIS_ISA_EXT_MMX ||
      (c.instruction->meta.isa_ext >= ZYDIS_ISA_EXT_SSE && c.instruction->meta.isa_ext <= ZYDIS_ISA_EXT_SSSE3);
  if (x87 && (c.cpu.cr0 & (cr0::kEm | cr0::kTs))) return c.raise(Vector::kNm);
  if (vector && (c.cpu.cr0 & cr0::kEm)) return c.raise(Vector::kUd);
  if (vector && (c.cpu.cr0 & cr0::kTs)) return c.raise(Vector::kNm);
  return Outcome::kUnsupported;
}

Outcome execute(Context& c) {
  const Row* row = find_row(*c.instruction);
  if (!row) return unknown(c);
  if ((row->facts & kLegacyOnly) && c.long_mode()) return Outcome::kUnsupported;
  if ((row->facts & kProtectedOnly) && !c.protected_mode()) return c.raise(Vector::kUd);
  if ((row->facts & kPrivileged) && c.cpl() != 0) return c.raise(Vector::kGp);
  return row->handler(c);
}

// The single-step trap follows the instruction that began with TF set, but not one that loaded SS (SDM
// 3A 6.8.3).
Outcome finish(Context& c, Outcome outcome) {
  c.cpu.shadow = c.shadow;
  if (!c.trap_due || c.shadow == RING1_SHADOW_MOV_SS || outcome == Outcome::kTrap) return outcome;
  c.cpu.dr[6] |= kDr6SingleStep;
  *c.fault = Fault{Vector::kDb};
  return Outcome::kTrap;
}

}  // namespace

Outcome step(ring1_cpu_state& cpu, Machine& machine, Fault* fault, unsigned rep_limit, DecodeCache* cache,
             const InstructionBytes* known) {
  Snapshot saved;
  save(cpu, &saved);
  Context c(cpu, machine, fault);
  Decoded decoded;
  if (const Outcome outcome = decode(c, cache, known, &decoded); outcome != Outcome::kDone) return outcome;

  c.saved = &saved;
  c.rep_limit = rep_limit ? rep_limit : 1;
  c.trap_due = cpu.rflags & eflags::kTf;
  cpu.rip += known && known->length ? known->length : c.instruction->length;
  if (!c.code64()) cpu.rip = static_cast<uint32_t>(cpu.rip);
  cpu.rflags &= ~uint64_t{eflags::kRf};
  const Outcome outcome = execute(c);
  switch (outcome) {
    case Outcome::kDone:
    case Outcome::kTrap:
    case Outcome::kHalt: return finish(c, outcome);
    case Outcome::kShutdown: return outcome;
    default: restore(cpu, saved); return outcome;
  }
}

}  // namespace ring1::emulator
