// SPDX-License-Identifier: GPL-2.0-only
// IN OUT and the permission to use them.
#include "emulator/alu.h"
#include "emulator/handlers.h"
#include "emulator/port.h"

namespace ring1::emulator {
namespace {

constexpr unsigned kTss32Type = 9;             // bit 1 (busy) left out
constexpr unsigned kBitmapBase = 0x66;         // of the word in the TSS (SDM 3A 7.2.1)
constexpr unsigned kImmediatePortMask = 0x08;  // opcode bit 3: the port is in DX

bool is_immediate_port(const Context& c) { return !(c.instruction->opcode & kImmediatePortMask); }

uint16_t port_of(const Context& c) {
  return is_immediate_port(c) ? c.instruction->raw.imm[0].value.u & 0xff : static_cast<uint16_t>(c.cpu.gpr[kRdx]);
}

unsigned size_of_access(const Context& c) {
  const unsigned size = c.instruction->opcode & 1 ? c.operand_size() : 1;
  return size > 4 ? 4 : size;  // REX.W does not widen a port access (SDM 2A IN)
}

// The TSS' base has 64 bits in long mode.
Gva in_tss(const Context& c, uint32_t offset) {
  const uint64_t address = c.cpu.tr.base + offset;
  return Gva(c.long_mode() ? address : static_cast<uint32_t>(address));
}

}  // namespace

// The bitmap is read as two bytes so that four bits may cross a byte; both must lie within the limit.
bool port_allowed(Context& c, uint16_t port, unsigned size) {
  if (c.real_mode() || (!c.vm86() && c.cpl() <= c.iopl())) return true;
  const ring1_segment& tr = c.cpu.tr;
  if (!(tr.access & RING1_AR_P) || (tr.access & RING1_AR_TYPE_MASK & ~2u) != kTss32Type) return c.fail(Vector::kGp);
  uint16_t base, bits;
  if (tr.limit < kBitmapBase + 1) return c.fail(Vector::kGp);
  if (!c.read_linear(in_tss(c, kBitmapBase), &base, 2, Purpose::kSystem)) return false;
  const uint32_t offset = base + port / 8;
  if (offset + 1 > tr.limit) return c.fail(Vector::kGp);
  if (!c.read_linear(in_tss(c, offset), &bits, 2, Purpose::kSystem)) return false;
  const unsigned mask = (1u << size) - 1;
  return bits >> (port % 8) & mask ? c.fail(Vector::kGp) : true;
}

Outcome op_in(Context& c) {
  const uint16_t port = port_of(c);
  const unsigned size = size_of_access(c);
  uint32_t value = 0;
  if (!port_allowed(c, port, size) || !c.ok(c.machine.port_in(port, size, &value))) return c.failure;
  c.write_accumulator(size, value);
  return Outcome::kDone;
}

Outcome op_out(Context& c) {
  const uint16_t port = port_of(c);
  const unsigned size = size_of_access(c);
  if (!port_allowed(c, port, size)) return c.failure;
  const uint32_t value = static_cast<uint32_t>(c.cpu.gpr[kRax] & size_mask(size));
  return c.ok(c.machine.port_out(port, size, value)) ? Outcome::kDone : c.failure;
}

}  // namespace ring1::emulator
