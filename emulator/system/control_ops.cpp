// SPDX-License-Identifier: GPL-2.0-only
// Control registers (SDM 3A 2.5, 2B MOV CR, LMSW, SMSW; 2A CLTS).
#include "emulator/system/control_bits.h"
#include "emulator/system/handlers.h"
#include "emulator/system/run.h"

namespace ring1::emulator {

namespace {

// Writes that load the page-directory-pointer registers (SDM 3A 4.4.1) fault if those are wrong. Long mode has none.
Outcome check_paging(Context& c, uint64_t cr0, uint64_t cr3, uint64_t cr4) {
  if (!(cr0 & cr0::kPg) || !(cr4 & cr4::kPae) || (c.cpu.efer & efer::kLme)) return Outcome::kDone;
  switch (c.machine.check_paging(cr0, cr3, cr4)) {
    case MemoryStatus::kOk: return Outcome::kDone;
    case MemoryStatus::kFault: return c.raise(Vector::kGp);
    case MemoryStatus::kBlocked: break;
  }
  return Outcome::kBlocked;
}

// Paging enters and leaves long mode where EFER.LME is set (SDM 3A 4.1.2, 9.8.5): not without PAE, not from or to
// 64-bit code, and not with process-context identifiers.
bool may_toggle_paging(const Context& c) {
  if (c.cpu.seg[kCs].access & RING1_AR_L) return false;
  return c.long_mode() ? !(c.cpu.cr4 & cr4::kPcide) : (c.cpu.cr4 & cr4::kPae) != 0;
}

Outcome write_cr0(Context& c, uint64_t value) {
  if (value >> 32) return c.raise(Vector::kGp);
  value = (value & kCr0Known) | cr0::kEt;
  if (!cr0_consistent(value)) return c.raise(Vector::kGp);
  const uint64_t old = c.cpu.cr0;
  const bool switches_mode = ((old ^ value) & cr0::kPg) && (c.cpu.efer & efer::kLme);
  if (switches_mode && !may_toggle_paging(c)) return c.raise(Vector::kGp);
  if ((old ^ value) & cr0::kPg) RING1_TRY(check_paging(c, value, c.cpu.cr3, c.cpu.cr4));
  // Protected mode begins at CPL 0, whatever real mode left in the hidden part of SS.
  if (!(old & cr0::kPe) && (value & cr0::kPe)) {
    c.cpu.seg[kSs].access &= ~RING1_AR_DPL_MASK;
    c.cpu.rflags &= ~uint64_t{eflags::kVm};
  }
  if (switches_mode) c.cpu.efer = (c.cpu.efer & ~efer::kLma) | (value & cr0::kPg ? efer::kLma : 0);
  c.cpu.cr0 = value;
  c.machine.cr0_written(old);
  return Outcome::kDone;
}

// In long mode PAE and LA57 stand fast; process-context identifiers begin there, in context 0 (SDM 3A 4.10.1).
bool cr4_allowed(const Context& c, uint64_t value) {
  const uint64_t changed = c.cpu.cr4 ^ value;
  if (c.long_mode() && (changed & (cr4::kPae | cr4::kLa57))) return false;
  constexpr uint64_t kContext = 0xfff;
  return !(changed & value & cr4::kPcide) || (c.long_mode() && !(c.cpu.cr3 & kContext));
}

Outcome write_cr4(Context& c, uint64_t value) {
  if ((value & ~cr4_known(c.machine)) || !cr4_allowed(c, value)) return c.raise(Vector::kGp);
  const uint64_t old = c.cpu.cr4;
  if ((old ^ value) & (cr4::kPse | cr4::kPae | cr4::kPge)) RING1_TRY(check_paging(c, c.cpu.cr0, c.cpu.cr3, value));
  c.cpu.cr4 = value;
  c.machine.cr4_written(old);
  return Outcome::kDone;
}

// Bit 63 asks to keep the context's TLB entries; it is not kept itself.
Outcome write_cr3(Context& c, uint64_t value) {
  constexpr uint64_t kNoFlush = uint64_t{1} << 63;
  if (c.long_mode()) {
    if (value & cr3_reserved(c.machine)) return c.raise(Vector::kGp);
    if ((value & kNoFlush) && !(c.cpu.cr4 & cr4::kPcide)) return c.raise(Vector::kGp);
    value &= ~kNoFlush;
  }
  RING1_TRY(check_paging(c, c.cpu.cr0, value, c.cpu.cr4));
  c.cpu.cr3 = value;
  c.machine.cr3_written();
  return Outcome::kDone;
}

Outcome write_control(Context& c, unsigned number, uint64_t value) {
  switch (number) {
    case 0: return write_cr0(c, value);
    case 2: c.cpu.cr2 = value; return Outcome::kDone;
    case 3: return write_cr3(c, value);
    case 4: return write_cr4(c, value);
    case 8:
      if (value & ~uint64_t{15}) return c.raise(Vector::kGp);
      c.cpu.cr8 = value;
      c.machine.write_cr8(value);
      return Outcome::kDone;
    default: return c.raise(Vector::kUd);
  }
}

Outcome read_control(Context& c, unsigned number, uint64_t* value) {
  switch (number) {
    case 0: *value = c.cpu.cr0; break;
    case 2: *value = c.cpu.cr2; break;
    case 3: *value = c.cpu.cr3; break;
    case 4: *value = c.cpu.cr4; break;
    case 8: *value = c.machine.read_cr8(); break;
    default: return c.raise(Vector::kUd);
  }
  return Outcome::kDone;
}

bool is_control_register(ZydisRegister reg) { return reg >= ZYDIS_REGISTER_CR0 && reg <= ZYDIS_REGISTER_CR15; }

}  // namespace

Outcome op_mov_cr(Context& c) {
  const ZydisRegister to = c.operands[0].reg.value, from = c.operands[1].reg.value;
  const bool writes = is_control_register(to);
  const unsigned number = static_cast<unsigned>((writes ? to : from) - ZYDIS_REGISTER_CR0);
  uint64_t value;
  if (!require_cpl0(c)) return c.failure;
  if (writes) return write_control(c, number, c.read_register(from));
  RING1_TRY(read_control(c, number, &value));
  c.write_register(to, value);
  return Outcome::kDone;
}

// PE can be set, not cleared.
Outcome op_lmsw(Context& c) {
  constexpr uint64_t kStatus = cr0::kPe | cr0::kMp | cr0::kEm | cr0::kTs;
  uint64_t value;
  if (!require_cpl0(c) || !c.read_operand(0, &value)) return c.failure;
  return write_cr0(c, (c.cpu.cr0 & ~kStatus) | (value & kStatus) | (c.cpu.cr0 & cr0::kPe));
}

Outcome op_smsw(Context& c) {
  if (c.cpl() != 0 && (c.cpu.cr4 & cr4::kUmip)) return c.raise(Vector::kGp);
  return c.write_operand(0, c.cpu.cr0) ? Outcome::kDone : c.failure;
}

Outcome op_clts(Context& c) {
  if (!require_cpl0(c)) return c.failure;
  const uint64_t old = c.cpu.cr0;
  c.cpu.cr0 &= ~cr0::kTs;
  c.machine.cr0_written(old);
  return Outcome::kDone;
}

}  // namespace ring1::emulator
