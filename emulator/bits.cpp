// SPDX-License-Identifier: GPL-2.0-only
// BT BTS BTR BTC BSF BSR TZCNT LZCNT POPCNT BSWAP.
#include "emulator/alu.h"
#include "emulator/flags.h"
#include "emulator/handlers.h"

namespace ring1::emulator {
namespace {

// Of a number that is not 0.
unsigned trailing_zeros(uint64_t value) { return static_cast<unsigned>(__builtin_ctzll(value)); }
unsigned leading_zeros(uint64_t value) { return static_cast<unsigned>(__builtin_clzll(value)); }

enum class BitOperation { kTest, kSet, kReset, kComplement };

// A register bit offset reaches beyond a memory operand in units of its size, in both directions (SDM
// 2A 3.1.1.9).
uint64_t bit_offset_bytes(const Context& c, uint64_t bit, unsigned size) {
  if (c.operands[1].type != ZYDIS_OPERAND_TYPE_REGISTER) return 0;
  const int64_t units = sign_extend(bit, size) >> (size == 8 ? 6 : size == 4 ? 5 : 4);
  return static_cast<uint64_t>(units) * size;
}

Outcome bit_test(Context& c, BitOperation operation) {
  const unsigned size = c.size_of(0);
  uint64_t bit, value = 0;
  if (!c.read_operand(1, &bit)) return c.failure;
  const uint64_t mask = uint64_t{1} << (bit & (8 * size - 1));
  const bool writes = operation != BitOperation::kTest, memory = c.has_memory(0);
  Gva address;
  if (memory) {
    const uint64_t offset = c.wrap(c.offset_of(0) + bit_offset_bytes(c, bit, size));
    if (!c.linear(c.segment_of(0), offset, size, writes ? Access::kReadWrite : Access::kRead, &address))
      return c.failure;
    if (!c.read_linear(address, &value, size)) {
      if (writes && c.failure == Outcome::kFault) (void)c.probe_linear(address, size);
      return c.failure;
    }
  } else if (!c.read_operand(0, &value)) {
    return c.failure;
  }
  const bool was_set = value & mask;
  switch (operation) {
    case BitOperation::kTest: break;
    case BitOperation::kSet: value |= mask; break;
    case BitOperation::kReset: value &= ~mask; break;
    case BitOperation::kComplement: value ^= mask; break;
  }
  if (writes && !(memory ? c.write_linear(address, &value, size) : c.write_operand(0, value))) return c.failure;
  set_flags(c, was_set ? eflags::kCf : 0, eflags::kCf);
  return Outcome::kDone;
}

// BSF and BSR of 0 leave the destination as it is: documented by AMD, true of Intel.
Outcome bit_scan(Context& c, bool forward) {
  uint64_t source;
  if (!c.read_operand(1, &source)) return c.failure;
  set_flags(c, source ? 0 : eflags::kZf, eflags::kZf);
  if (!source) return Outcome::kDone;
  const unsigned index = forward ? trailing_zeros(source) : 63 - leading_zeros(source);
  return c.write_operand(0, index) ? Outcome::kDone : c.failure;
}

// Counts of zeros; a processor without the feature ignores the prefix and scans (SDM 2B, TZCNT).
Outcome count_zeros(Context& c, bool trailing) {
  uint64_t source;
  if (!c.read_operand(1, &source)) return c.failure;
  const unsigned size = c.size_of(0), bits = 8 * size;
  unsigned count = bits;
  if (source) count = trailing ? trailing_zeros(source) : leading_zeros(source) - (64 - bits);
  set_flags(c, (source ? 0 : eflags::kCf) | (count ? 0 : eflags::kZf), eflags::kCf | eflags::kZf);
  return c.write_operand(0, count) ? Outcome::kDone : c.failure;
}

}  // namespace

Outcome op_bt(Context& c) { return bit_test(c, BitOperation::kTest); }
Outcome op_bts(Context& c) { return bit_test(c, BitOperation::kSet); }
Outcome op_btr(Context& c) { return bit_test(c, BitOperation::kReset); }
Outcome op_btc(Context& c) { return bit_test(c, BitOperation::kComplement); }
Outcome op_bsf(Context& c) { return bit_scan(c, true); }
Outcome op_bsr(Context& c) { return bit_scan(c, false); }

Outcome op_tzcnt(Context& c) {
  constexpr unsigned kEbx = 1, kBmi1 = 3;
  return c.offered(7, kEbx, kBmi1) ? count_zeros(c, true) : bit_scan(c, true);
}

Outcome op_lzcnt(Context& c) {
  constexpr unsigned kEcx = 2, kAbm = 5;
  return c.offered(0x80000001u, kEcx, kAbm) ? count_zeros(c, false) : bit_scan(c, false);
}

Outcome op_popcnt(Context& c) {
  uint64_t source;
  if (!c.read_operand(1, &source)) return c.failure;
  set_flags(c, source ? 0 : eflags::kZf);
  return c.write_operand(0, count_ones(source)) ? Outcome::kDone : c.failure;
}

// Of a 16-bit register the result is undefined; processors clear it.
Outcome op_bswap(Context& c) {
  uint64_t value;
  if (!c.read_operand(0, &value)) return c.failure;
  const unsigned size = c.size_of(0);
  return c.write_operand(0, size == 2 ? 0 : __builtin_bswap64(value) >> (64 - 8 * size)) ? Outcome::kDone : c.failure;
}

}  // namespace ring1::emulator
