// SPDX-License-Identifier: GPL-2.0-only
// Control registers (SDM 3A 2.5, 2B MOV CR, LMSW, SMSW; 2A CLTS).
#include "emulator/system/control_bits.h"
#include "emulator/system/handlers.h"
#include "emulator/system/run.h"

namespace ring1::emulator {

namespace {

// Writes that load the page-directory-pointer registers (SDM 3A 4.4.1) fault if those are wrong.
Outcome check_paging(Context& c, uint64_t cr0, uint64_t cr3, uint64_t cr4) {
  if (!(cr0 & cr0::kPg) || !(cr4 & cr4::kPae)) return Outcome::kDone;
  switch (c.machine.check_paging(cr0, cr3, cr4)) {
    case MemoryStatus::kOk: return Outcome::kDone;
    case MemoryStatus::kFault: return c.raise(Vector::kGp);
    case MemoryStatus::kBlocked: break;
  }
  return Outcome::kBlocked;
}

Outcome write_cr0(Context& c, uint64_t value) {
  value = (value & kCr0Known) | cr0::kEt;
  if (!cr0_consistent(value)) return c.raise(Vector::kGp);
  const uint64_t old = c.cpu.cr0;
  if ((old ^ value) & cr0::kPg) RING1_TRY(check_paging(c, value, c.cpu.cr3, c.cpu.cr4));
  // Protected mode begins at CPL 0, whatever real mode left in the hidden part of SS.
  if (!(old & cr0::kPe) && (value & cr0::kPe)) {
    c.cpu.seg[kSs].access &= ~RING1_AR_DPL_MASK;
    c.cpu.rflags &= ~uint64_t{eflags::kVm};
  }
  c.cpu.cr0 = value;
  c.machine.cr0_written(old);
  return Outcome::kDone;
}

Outcome write_cr4(Context& c, uint64_t value) {
  if (value & ~cr4_known(c.machine)) return c.raise(Vector::kGp);
  const uint64_t old = c.cpu.cr4;
  if ((old ^ value) & (cr4::kPse | cr4::kPae | cr4::kPge)) RING1_TRY(check_paging(c, c.cpu.cr0, c.cpu.cr3, value));
  c.cpu.cr4 = value;
  c.machine.cr4_written(old);
  return Outcome::kDone;
}

Outcome write_control(Context& c, unsigned number, uint64_t value) {
  switch (number) {
    case 0: return write_cr0(c, value);
    case 2: c.cpu.cr2 = value; return Outcome::kDone;
    case 3:
      RING1_TRY(check_paging(c, c.cpu.cr0, value, c.cpu.cr4));
      c.cpu.cr3 = value;
      c.machine.cr3_written();
      return Outcome::kDone;
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
  const unsigned number = (writes ? to : from) - ZYDIS_REGISTER_CR0;
  uint64_t value;
  if (!require_cpl0(c)) return c.failure;
  if (writes) return write_control(c, number, c.read_register(from) & 0xffffffff);
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
