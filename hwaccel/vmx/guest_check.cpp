// SPDX-License-Identifier: GPL-2.0-only
// The checks on segments, RIP and RFLAGS of SDM 3C 27.3.1.2 to 27.3.1.4.
#include "hwaccel/vmx/guest_check.h"

#include "base/bits.h"
#include "x86/registers.h"

namespace ring1::hwaccel::vmx {
namespace {

constexpr uint32_t kVm86Access = 0xf3, kVm86Limit = 0xffff;
constexpr uint32_t kTypeLdt = 2, kTypeBusy16 = 3, kTypeBusy32 = 11;
constexpr SegmentRegister kDataSegments[] = {kDs, kEs, kFs, kGs};
constexpr uint16_t kRpl = 3, kTableIndicator = 4;
constexpr uint32_t kReserved = 0xfffe0f00;  // bits 31:17 and 11:8 of access rights

unsigned type_of(const ring1_segment& s) { return s.access & RING1_AR_TYPE_MASK; }
unsigned dpl_of(const ring1_segment& s) { return (s.access & RING1_AR_DPL_MASK) >> RING1_AR_DPL_SHIFT; }
bool usable(const ring1_segment& s) { return !(s.access & RING1_AR_UNUSABLE); }

bool granularity_fits(const ring1_segment& s) {
  const bool g = s.access & RING1_AR_G;
  return !(g && (s.limit & 0xfff) != 0xfff) && !(!g && (s.limit & 0xfff00000));
}

// What every usable segment must be: S as told, present, no reserved bit, a limit that G allows.
bool well_formed(const ring1_segment& s, bool is_system) {
  return ((s.access & RING1_AR_S) == 0) == is_system && (s.access & RING1_AR_P) && !(s.access & kReserved) &&
         granularity_fits(s);
}

bool base_fits(const ring1_segment& s) { return s.base >> 32 == 0; }

bool canonical(uint64_t address) { return static_cast<uint64_t>(static_cast<int64_t>(address << 16) >> 16) == address; }

bool code_ok(const ring1_cpu_state& cpu, bool unrestricted) {
  const ring1_segment& cs = cpu.seg[kCs];
  const unsigned stack_dpl = dpl_of(cpu.seg[kSs]);
  if (!usable(cs) || !well_formed(cs, false) || !base_fits(cs)) return false;
  if ((cpu.efer & efer::kLma) && (cs.access & RING1_AR_L) && (cs.access & RING1_AR_DB)) return false;
  switch (type_of(cs)) {
    case 3: return unrestricted && dpl_of(cs) == 0;
    case 9:
    case 11: return dpl_of(cs) == stack_dpl;
    case 13:
    case 15: return dpl_of(cs) <= stack_dpl;
    default: return false;
  }
}

bool stack_ok(const ring1_cpu_state& cpu, bool unrestricted) {
  const ring1_segment &ss = cpu.seg[kSs], &cs = cpu.seg[kCs];
  if (!unrestricted && ((ss.selector ^ cs.selector) & kRpl)) return false;
  if (!unrestricted && dpl_of(ss) != (ss.selector & kRpl)) return false;
  if ((type_of(cs) == 3 || !(cpu.cr0 & cr0::kPe)) && dpl_of(ss) != 0) return false;
  if (!usable(ss)) return true;
  return well_formed(ss, false) && base_fits(ss) && (type_of(ss) == 3 || type_of(ss) == 7);
}

bool data_ok(const ring1_segment& s, bool unrestricted, bool wide_base) {
  constexpr unsigned kCodeReadable = RING1_AR_CODE | RING1_AR_WRITABLE, kConforming = RING1_AR_CODE | RING1_AR_DOWN;
  if (!usable(s)) return true;
  const unsigned type = type_of(s);
  if (!well_formed(s, false) || !(type & RING1_AR_ACCESSED)) return false;
  if ((type & RING1_AR_CODE) && (type & kCodeReadable) != kCodeReadable) return false;
  if (!unrestricted && (type & kConforming) != kConforming && dpl_of(s) < (s.selector & kRpl)) return false;
  return wide_base ? canonical(s.base) : base_fits(s);
}

bool vm86_ok(const ring1_cpu_state& cpu) {
  for (const ring1_segment& s : cpu.seg)
    if (s.access != kVm86Access || s.limit != kVm86Limit || s.base != uint64_t{s.selector} << 4) return false;
  return true;
}

bool ldtr_ok(const ring1_cpu_state& cpu) {
  const ring1_segment& ldtr = cpu.ldtr;
  return !usable(ldtr) || (type_of(ldtr) == kTypeLdt && well_formed(ldtr, true) && !(ldtr.selector & kTableIndicator) &&
                           canonical(ldtr.base));
}

}  // namespace

Refusal check_guest(const ring1_cpu_state& cpu, bool unrestricted) {
  const bool vm86 = cpu.rflags & eflags::kVm;
  const bool long_mode = cpu.efer & efer::kLma;
  if (!(cpu.cr0 & cr0::kPe) && !unrestricted) return Refusal::kRealMode;
  if (vm86 && (long_mode || !(cpu.cr0 & cr0::kPe))) return Refusal::kFlags;
  if (vm86) {
    if (!vm86_ok(cpu)) return Refusal::kVm86Segment;
  } else {
    if (!code_ok(cpu, unrestricted)) return Refusal::kCodeSegment;
    if (!stack_ok(cpu, unrestricted)) return Refusal::kStackSegment;
    for (const SegmentRegister which : kDataSegments)
      if (!data_ok(cpu.seg[which], unrestricted, which == kFs || which == kGs)) return Refusal::kDataSegment;
  }
  if (!ldtr_ok(cpu)) return Refusal::kLdtr;
  const bool code64 = long_mode && (cpu.seg[kCs].access & RING1_AR_L);
  if (code64 ? !canonical(cpu.rip) : cpu.rip >> 32 != 0) return Refusal::kRip;
  return Refusal::kNone;
}

ring1_segment tr_for_entry(const ring1_cpu_state& cpu) {
  const bool long_mode = cpu.efer & efer::kLma;
  ring1_segment tr = cpu.tr;
  const bool busy = type_of(tr) == kTypeBusy32 || (type_of(tr) == kTypeBusy16 && !long_mode);
  if (usable(tr) && busy && well_formed(tr, true) && !(tr.selector & kTableIndicator) && canonical(tr.base)) return tr;
  // None was loaded yet, or an available one was set from outside.
  tr.selector = without(tr.selector, kTableIndicator);
  tr.access = RING1_AR_P | (type_of(cpu.tr) == kTypeBusy16 - 2 && !long_mode ? kTypeBusy16 : kTypeBusy32);
  if (!canonical(tr.base)) tr.base = 0;
  if (tr.limit >> 20) tr.limit = 0xffff;
  return tr;
}

const char* name_of(Refusal refusal) {
  switch (refusal) {
    case Refusal::kNone: return "none";
    case Refusal::kRealMode: return "real mode";
    case Refusal::kVm86Segment: return "a segment of virtual-8086 mode";
    case Refusal::kCodeSegment: return "CS";
    case Refusal::kStackSegment: return "SS";
    case Refusal::kDataSegment: return "DS, ES, FS or GS";
    case Refusal::kLdtr: return "LDTR";
    case Refusal::kRip: return "RIP";
    case Refusal::kFlags: return "RFLAGS";
  }
  return "?";
}

}  // namespace ring1::hwaccel::vmx
