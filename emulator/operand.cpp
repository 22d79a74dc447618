// SPDX-License-Identifier: GPL-2.0-only
// Operands of an instruction: effective addresses, and reading and writing by kind.
#include "base/assert.h"
#include "emulator/context.h"

namespace ring1::emulator {

SegmentRegister Context::segment_of(unsigned index) const {
  return static_cast<SegmentRegister>(operands[index].mem.segment - ZYDIS_REGISTER_ES);
}

SegmentRegister Context::source_segment() const {
  const ZydisInstructionAttributes attributes = instruction->attributes;
  if (!(attributes & ZYDIS_ATTRIB_HAS_SEGMENT)) return kDs;
  if (attributes & ZYDIS_ATTRIB_HAS_SEGMENT_ES) return kEs;
  if (attributes & ZYDIS_ATTRIB_HAS_SEGMENT_CS) return kCs;
  if (attributes & ZYDIS_ATTRIB_HAS_SEGMENT_SS) return kSs;
  if (attributes & ZYDIS_ATTRIB_HAS_SEGMENT_FS) return kFs;
  return attributes & ZYDIS_ATTRIB_HAS_SEGMENT_GS ? kGs : kDs;
}

uint64_t Context::offset_of(unsigned index) const {
  const ZydisDecodedOperandMem& mem = operands[index].mem;
  auto offset = static_cast<uint64_t>(mem.disp.value);
  if (mem.base != ZYDIS_REGISTER_NONE) offset += read_register(mem.base);
  if (mem.index != ZYDIS_REGISTER_NONE) offset += read_register(mem.index) * (mem.scale ? mem.scale : 1);
  return wrap(offset);
}

bool Context::effective_address(unsigned index, unsigned size, Access access, Gva* address) {
  return linear(segment_of(index), offset_of(index), size, access, address);
}

bool Context::read_operand(unsigned index, uint64_t* value) {
  const ZydisDecodedOperand& operand = operands[index];
  switch (operand.type) {
    case ZYDIS_OPERAND_TYPE_REGISTER: *value = read_register(operand.reg.value); return true;
    case ZYDIS_OPERAND_TYPE_IMMEDIATE: *value = operand.imm.value.u; return true;
    default: break;
  }
  RING1_ASSERT(operand.type == ZYDIS_OPERAND_TYPE_MEMORY && operand.size <= 64);
  *value = 0;
  return read_memory(segment_of(index), offset_of(index), value, operand.size / 8);
}

bool Context::read_for_write(unsigned index, uint64_t* value) {
  if (!has_memory(index)) return read_operand(index, value);
  const unsigned size = size_of(index);
  Gva address;
  if (!effective_address(index, size, Access::kReadWrite, &address)) return false;
  *value = 0;
  if (read_linear(address, value, size)) return true;
  if (failure == Outcome::kFault) (void)probe_linear(address, size);  // its fault says "write"
  return false;
}

bool Context::write_operand(unsigned index, uint64_t value) {
  const ZydisDecodedOperand& operand = operands[index];
  if (operand.type == ZYDIS_OPERAND_TYPE_REGISTER) return write_register(operand.reg.value, value), true;
  RING1_ASSERT(operand.type == ZYDIS_OPERAND_TYPE_MEMORY && operand.size <= 64);
  return write_memory(segment_of(index), offset_of(index), &value, operand.size / 8);
}

}  // namespace ring1::emulator
