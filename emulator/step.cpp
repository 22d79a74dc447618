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

// What CPUID may offer and is not executed here: floating point and vectors.
enum class Unknown { kX87, kVector, kNotOffered };

Unknown kind_of(ZydisISAExt extension) {
  switch (extension) {
    case ZYDIS_ISA_EXT_X87: return Unknown::kX87;
    case ZYDIS_ISA_EXT_MMX:
    case ZYDIS_ISA_EXT_AMD3DNOW:
    case ZYDIS_ISA_EXT_SSE:
    case ZYDIS_ISA_EXT_SSE2:
    case ZYDIS_ISA_EXT_SSE3:
    case ZYDIS_ISA_EXT_SSSE3:
    case ZYDIS_ISA_EXT_SSE4:
    case ZYDIS_ISA_EXT_SSE4A:
    case ZYDIS_ISA_EXT_AES:
    case ZYDIS_ISA_EXT_PCLMULQDQ: return Unknown::kVector;
    default: return Unknown::kNotOffered;
  }
}

// "Device not available" is ours to raise (SDM 3A 2.5). What no CPUID of ours offers is undefined, but for user code,
// which may have asked the processor, and is executed by it where this is not: kUnsupported. So is much of long mode.
Outcome unknown(Context& c) {
  const Unknown kind = kind_of(c.instruction->meta.isa_ext);
  const bool native = c.long_mode() || (c.cpl() == 3 && !c.vm86());
  if (kind == Unknown::kNotOffered) return native ? Outcome::kUnsupported : c.raise(Vector::kUd);
  if (kind == Unknown::kX87 && (c.cpu.cr0 & (cr0::kEm | cr0::kTs))) return c.raise(Vector::kNm);
  if (kind == Unknown::kVector && (c.cpu.cr0 & cr0::kEm)) return c.raise(Vector::kUd);
  if (kind == Unknown::kVector && (c.cpu.cr0 & cr0::kTs)) return c.raise(Vector::kNm);
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
