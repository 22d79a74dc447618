// SPDX-License-Identifier: GPL-2.0-only
// Far JMP, CALL, RET; IRET; SYSENTER, SYSEXIT; the way of INT n into the IDT.
#include "emulator/system/deliver.h"
#include "emulator/system/far_transfer.h"
#include "emulator/system/handlers.h"
#include "emulator/system/run.h"

namespace ring1::emulator {

namespace {

// ptr16:16, ptr16:32 in the instruction, m16:16 or m16:32 in memory.
bool far_pointer(Context& c, uint16_t* selector, uint32_t* offset) {
  const ZydisDecodedOperand& operand = c.operands[0];
  if (operand.type == ZYDIS_OPERAND_TYPE_POINTER) {
    *selector = operand.ptr.segment;
    *offset = operand.ptr.offset;
    return true;
  }
  uint8_t pointer[6];
  const unsigned size = c.operand_size();
  if (!c.read_memory(c.segment_of(0), c.offset_of(0), pointer, size + 2)) return false;
  *offset = 0;
  __builtin_memcpy(offset, pointer, size);
  __builtin_memcpy(selector, pointer + size, sizeof *selector);
  return true;
}

}  // namespace

Outcome op_jmp_far(Context& c) {
  uint16_t selector;
  uint32_t offset;
  if (!far_pointer(c, &selector, &offset)) return c.failure;
  return run(c, [&](Sys& sys) { return far_jump(sys, selector, offset, c.operand_size()); });
}

Outcome op_call_far(Context& c) {
  uint16_t selector;
  uint32_t offset;
  if (!far_pointer(c, &selector, &offset)) return c.failure;
  return run(c, [&](Sys& sys) { return far_call(sys, selector, offset, c.operand_size()); });
}

Outcome op_ret_far(Context& c) {
  const auto bytes = static_cast<uint16_t>(c.instruction->operand_count_visible ? c.immediate(0) : 0);
  return run(c, [&](Sys& sys) { return far_return(sys, c.operand_size(), bytes); });
}

Outcome op_iret(Context& c) {
  return run(c, [&](Sys& sys) { return interrupt_return(sys, c.operand_size()); });
}

Outcome op_sysenter(Context& c) { return run(c, sysenter); }
Outcome op_sysexit(Context& c) { return run(c, sysexit); }

Outcome software_interrupt(Context& c, uint8_t vector) {
  Event event{vector};
  event.is_software = true;
  const Outcome outcome = run(c, [&](Sys& sys) { return deliver_once(sys, event); });
  if (outcome == Outcome::kDone) c.trap_due = false;  // TF was cleared on the way (SDM 3A 6.12.1.3)
  return outcome;
}

}  // namespace ring1::emulator
