// SPDX-License-Identifier: GPL-2.0-only
// Descriptor-table registers (SDM 3A 2.4, 2A LGDT, LLDT, LTR, SGDT...).
#include "emulator/system/handlers.h"
#include "emulator/system/run.h"
#include "emulator/system/task_state.h"

namespace ring1::emulator {

namespace {

constexpr uint32_t kBase24 = 0x00ffffff;  // what a 16-bit operand size transfers
constexpr unsigned kPointerBytes = 6;

bool umip_allows(Context& c) { return c.cpl() == 0 || !(c.cpu.cr4 & cr4::kUmip) || c.fail(Vector::kGp); }

Outcome load_table(Context& c, ring1_table_register* table) {
  if (!require_cpl0(c)) return c.failure;
  uint8_t pointer[kPointerBytes];
  if (!c.read_memory(c.segment_of(0), c.offset_of(0), pointer, sizeof pointer)) return c.failure;
  uint16_t limit;
  uint32_t base;
  __builtin_memcpy(&limit, pointer, sizeof limit);
  __builtin_memcpy(&base, pointer + sizeof limit, sizeof base);
  table->limit = limit;
  table->base = c.operand_size() == 2 ? base & kBase24 : base;
  c.machine.descriptor_table_written();
  return Outcome::kDone;
}

Outcome store_table(Context& c, const ring1_table_register& table) {
  if (!umip_allows(c)) return c.failure;
  uint8_t pointer[kPointerBytes];
  const uint16_t limit = table.limit;
  auto base = static_cast<uint32_t>(table.base);
  if (c.operand_size() == 2) base &= kBase24;
  __builtin_memcpy(pointer, &limit, sizeof limit);
  __builtin_memcpy(pointer + sizeof limit, &base, sizeof base);
  return c.write_memory(c.segment_of(0), c.offset_of(0), pointer, sizeof pointer) ? Outcome::kDone : c.failure;
}

Outcome store_selector(Context& c, uint16_t selector) {
  if (!c.protected_mode()) return c.raise(Vector::kUd);
  if (!umip_allows(c)) return c.failure;
  return c.write_operand(0, selector) ? Outcome::kDone : c.failure;
}

// Common start of LLDT and LTR.
bool selector_operand(Context& c, uint16_t* selector) {
  if (!c.protected_mode()) return c.fail(Vector::kUd);
  uint64_t value;
  if (!require_cpl0(c) || !c.read_operand(0, &value)) return false;
  *selector = static_cast<uint16_t>(value);
  return true;
}

Outcome load_ldtr(Sys& sys, uint16_t selector) {
  if (is_null(selector)) {
    sys.cpu.ldtr = null_segment(selector);
    return Outcome::kDone;
  }
  if (is_local(selector)) return sys.raise_selector(Vector::kGp, selector);
  Descriptor ldt;
  RING1_TRY(read_descriptor(sys, selector, Vector::kGp, &ldt));
  if (!ldt.is_system(SystemType::kLdt)) return sys.raise_selector(Vector::kGp, selector);
  if (!ldt.present()) return sys.raise_selector(Vector::kNp, selector);
  sys.cpu.ldtr = segment_of(selector, ldt);
  return Outcome::kDone;
}

Outcome load_tr(Sys& sys, uint16_t selector) {
  if (is_null(selector)) return sys.raise(Vector::kGp);
  if (is_local(selector)) return sys.raise_selector(Vector::kGp, selector);
  Descriptor tss;
  RING1_TRY(read_descriptor(sys, selector, Vector::kGp, &tss));
  if (!tss.is_system(SystemType::kTss16) && !tss.is_system(SystemType::kTss32))
    return sys.raise_selector(Vector::kGp, selector);
  if (!tss.present()) return sys.raise_selector(Vector::kNp, selector);
  RING1_TRY(mark_busy(sys, &tss, true));
  sys.cpu.tr = segment_of(selector, tss);
  return Outcome::kDone;
}

}  // namespace

Outcome op_lgdt(Context& c) { return load_table(c, &c.cpu.gdtr); }
Outcome op_lidt(Context& c) { return load_table(c, &c.cpu.idtr); }
Outcome op_sgdt(Context& c) { return store_table(c, c.cpu.gdtr); }
Outcome op_sidt(Context& c) { return store_table(c, c.cpu.idtr); }
Outcome op_sldt(Context& c) { return store_selector(c, c.cpu.ldtr.selector); }
Outcome op_str(Context& c) { return store_selector(c, c.cpu.tr.selector); }

Outcome op_lldt(Context& c) {
  uint16_t selector;
  if (!selector_operand(c, &selector)) return c.failure;
  RING1_TRY(run(c, [&](Sys& sys) { return load_ldtr(sys, selector); }));
  c.machine.descriptor_table_written();
  return Outcome::kDone;
}

Outcome op_ltr(Context& c) {
  uint16_t selector;
  if (!selector_operand(c, &selector)) return c.failure;
  return run(c, [&](Sys& sys) { return load_tr(sys, selector); });
}

}  // namespace ring1::emulator
