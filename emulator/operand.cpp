// SPDX-License-Identifier: GPL-2.0-only
// Operands of an instruction: effective addresses, and reading and writing by kind.
#include "base/assert.h"
#include "emulator/context.h"

namespace ring1::emulator {
namespace {

constexpr uint64_t low_bytes(uint64_t value, unsigned size) {
  return size >= 8 ? value : value & ((uint64_t{1} << (8 * size)) - 1);
}

}  // namespace

SegmentRegister Context::segment_of(unsigned index) const {
  return static_cast<SegmentRegister>(operands[index].mem.segment - ZYDIS_REGISTER_ES);
}

uint32_t Context::offset_of(unsigned index) const {
  const ZydisDecodedOperandMem& mem = operands[index].mem;
  uint32_t offset = static_cast<uint32_t>(mem.disp.value);
  if (mem.base != ZYDIS_REGISTER_NONE) offset += static_cast<uint32_t>(read_register(mem.base));
  if (mem.index != ZYDIS_REGISTER_NONE)
    offset += static_cast<uint32_t>(read_register(mem.index)) * (mem.scale ? mem.scale : 1);
  return address_size() == 2 ? offset & 0xffffu : offset;
}

bool Context::effective_address(unsigned index, unsigned size, Access access, Gva* address) {
  return linear(segment_of(index), offset_of(index), size, access, address);
}

bool Context::read_operand(unsigned index, uint64_t* value) {
  const ZydisDecodedOperand& operand = operands[index];
  switch (operand.type) {
    case ZYDIS_OPERAND_TYPE_REGISTER:
      *value = read_register(operand.reg.value);
      return true;
    case ZYDIS_OPERAND_TYPE_IMMEDIATE:
      *value = low_bytes(operand.imm.value.u, operand.size / 8);
      return true;
    default:
      break;
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
