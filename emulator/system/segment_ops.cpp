// SPDX-License-Identifier: GPL-2.0-only
// MOV, PUSH and POP of segment registers; LDS LES LFS LGS LSS.
#include "emulator/system/handlers.h"
#include "emulator/system/run.h"
#include "emulator/system/segment_load.h"

namespace ring1::emulator {

namespace {

Outcome load(Context& c, SegmentRegister which, uint16_t selector) {
  if (which == kCs) return c.raise(Vector::kUd);
  const Outcome outcome = run(c, [&](Sys& sys) { return load_segment(sys, which, selector); });
  if (outcome == Outcome::kDone && which == kSs) c.shadow = RING1_SHADOW_MOV_SS;
  return outcome;
}

bool is_segment_operand(const Context& c, unsigned index) {
  return c.operands[index].type == ZYDIS_OPERAND_TYPE_REGISTER && is_segment_register(c.operands[index].reg.value);
}

}  // namespace

Outcome op_mov_sreg(Context& c) {
  if (is_segment_operand(c, 1)) {
    const uint16_t selector = c.cpu.seg[segment_number(c.operands[1].reg.value)].selector;
    return c.write_operand(0, selector) ? Outcome::kDone : c.failure;
  }
  const SegmentRegister which = segment_number(c.operands[0].reg.value);
  if (which == kCs) return c.raise(Vector::kUd);
  uint64_t selector;
  if (!c.read_operand(1, &selector)) return c.failure;
  return load(c, which, static_cast<uint16_t>(selector));
}

Outcome op_push_sreg(Context& c) {
  const uint16_t selector = c.cpu.seg[segment_number(c.operands[0].reg.value)].selector;
  return c.push(selector, c.operand_size()) ? Outcome::kDone : c.failure;
}

Outcome op_pop_sreg(Context& c) {
  uint64_t selector;
  if (!c.pop(&selector, c.operand_size())) return c.failure;
  return load(c, segment_number(c.operands[0].reg.value), static_cast<uint16_t>(selector));
}

Outcome op_load_far(Context& c) {
  SegmentRegister which;
  switch (c.instruction->mnemonic) {
    case ZYDIS_MNEMONIC_LDS: which = kDs; break;
    case ZYDIS_MNEMONIC_LES: which = kEs; break;
    case ZYDIS_MNEMONIC_LFS: which = kFs; break;
    case ZYDIS_MNEMONIC_LGS: which = kGs; break;
    case ZYDIS_MNEMONIC_LSS: which = kSs; break;
    default: return Outcome::kUnsupported;
  }
  uint8_t pointer[6];
  const unsigned size = c.operand_size();
  if (!c.read_memory(c.segment_of(1), c.offset_of(1), pointer, size + 2)) return c.failure;
  uint32_t offset = 0;
  uint16_t selector;
  __builtin_memcpy(&offset, pointer, size);
  __builtin_memcpy(&selector, pointer + size, sizeof selector);
  // LSS casts no shadow: it loads the pointer in one go.
  RING1_TRY(run(c, [&](Sys& sys) { return load_segment(sys, which, selector); }));
  c.write_register(c.operands[0].reg.value, offset);
  return Outcome::kDone;
}

}  // namespace ring1::emulator
