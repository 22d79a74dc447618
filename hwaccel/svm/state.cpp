// SPDX-License-Identifier: GPL-2.0-only
#include "hwaccel/svm/state.h"

#include "x86/registers.h"

namespace ring1::hwaccel::svm {
namespace {

constexpr uint16_t kTssBusy = 2, kPresent = RING1_AR_P;
constexpr unsigned kUpperShift = 4;  // AVL, L, DB, G: bits 15:12 in RING1_AR, 11:8 in a VMCB

VmcbSegment pack(const ring1_segment& from) {
  VmcbSegment to = {.selector = from.selector, .attributes = 0, .limit = from.limit, .base = from.base};
  // A segment that is not usable is one that is not present here.
  if (!(from.access & RING1_AR_UNUSABLE))
    to.attributes = static_cast<uint16_t>((from.access & 0xff) | (from.access & 0xf000) >> kUpperShift);
  return to;
}

ring1_segment unpack(const VmcbSegment& from) {
  ring1_segment to = {.base = from.base, .limit = from.limit, .access = 0, .selector = from.selector, .pad = {}};
  to.access = (from.attributes & 0xff) | uint32_t{from.attributes & 0xf00u} << kUpperShift;
  if (!(from.attributes & kPresent)) to.access |= RING1_AR_UNUSABLE;
  return to;
}

}  // namespace

void store_volatile(const ring1_cpu_state& cpu, VmcbState* state) {
  state->rip = cpu.rip;
  state->rflags = cpu.rflags | eflags::kFixed1;
  state->rsp = cpu.gpr[kRsp];
  state->rax = cpu.gpr[kRax];
  state->cr2 = cpu.cr2;
}

void load_volatile(const VmcbState& state, ring1_cpu_state* cpu) {
  cpu->rip = state.rip;
  cpu->rflags = state.rflags;
  cpu->gpr[kRsp] = state.rsp;
  cpu->gpr[kRax] = state.rax;
  cpu->cr2 = state.cr2;
}

void store_segments(const ring1_cpu_state& cpu, bool available_tss, VmcbState* state) {
  state->es = pack(cpu.seg[kEs]);
  state->cs = pack(cpu.seg[kCs]);
  state->ss = pack(cpu.seg[kSs]);
  state->ds = pack(cpu.seg[kDs]);
  state->fs = pack(cpu.seg[kFs]);
  state->gs = pack(cpu.seg[kGs]);
  state->ldtr = pack(cpu.ldtr);
  state->tr = pack(cpu.tr);
  if (available_tss) state->tr.attributes &= static_cast<uint16_t>(~kTssBusy);
  state->gdtr = {.selector = 0, .attributes = 0, .limit = cpu.gdtr.limit, .base = cpu.gdtr.base};
  state->idtr = {.selector = 0, .attributes = 0, .limit = cpu.idtr.limit, .base = cpu.idtr.base};
  state->cpl = static_cast<uint8_t>((cpu.seg[kSs].access & RING1_AR_DPL_MASK) >> RING1_AR_DPL_SHIFT);
  state->star = cpu.star;
  state->lstar = cpu.lstar;
  state->cstar = cpu.cstar;
  state->sfmask = cpu.sfmask;
  state->kernel_gs_base = cpu.kernel_gs_base;
  state->sysenter_cs = cpu.sysenter_cs;
  state->sysenter_esp = cpu.sysenter_esp;
  state->sysenter_eip = cpu.sysenter_eip;
  state->pat = cpu.pat;
}

void load_segments(const VmcbState& state, ring1_cpu_state* cpu) {
  cpu->seg[kEs] = unpack(state.es);
  cpu->seg[kCs] = unpack(state.cs);
  cpu->seg[kSs] = unpack(state.ss);
  cpu->seg[kDs] = unpack(state.ds);
  cpu->seg[kFs] = unpack(state.fs);
  cpu->seg[kGs] = unpack(state.gs);
  cpu->ldtr = unpack(state.ldtr);
  cpu->tr = unpack(state.tr);
  cpu->tr.access |= kTssBusy;
  // The CPL field is what counts (APM 2 15.5.1); everyone here takes it from SS.
  uint32_t& ss = cpu->seg[kSs].access;
  ss = (ss & ~RING1_AR_DPL_MASK) | uint32_t{state.cpl} << RING1_AR_DPL_SHIFT;
  cpu->gdtr.base = state.gdtr.base;
  cpu->gdtr.limit = static_cast<uint16_t>(state.gdtr.limit);
  cpu->idtr.base = state.idtr.base;
  cpu->idtr.limit = static_cast<uint16_t>(state.idtr.limit);
  cpu->star = state.star;
  cpu->lstar = state.lstar;
  cpu->cstar = state.cstar;
  cpu->sfmask = state.sfmask;
  cpu->kernel_gs_base = state.kernel_gs_base;
  cpu->sysenter_cs = state.sysenter_cs;
  cpu->sysenter_esp = state.sysenter_esp;
  cpu->sysenter_eip = state.sysenter_eip;
}

}  // namespace ring1::hwaccel::svm
