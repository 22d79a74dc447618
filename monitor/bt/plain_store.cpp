// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/bt/plain_store.h"

namespace ring1::monitor {
namespace {

constexpr uint8_t kMovStore = 0x89, kMovImmediate = 0xc7;
constexpr unsigned kSib = 4, kNoIndex = 4, kNoBase = 5;

uint32_t dword(const uint8_t* at) { return at[0] | at[1] << 8 | at[2] << 16 | uint32_t{at[3]} << 24; }

uint32_t gpr(const TrapBlock& block, unsigned number) {
  return static_cast<uint32_t>(const_cast<TrapBlock&>(block).gpr(number));
}

}  // namespace

// SDM 2A 2.1.5, tables 2-2 and 2-3.
bool read_plain_store(const uint8_t* bytes, const TrapBlock& block, PlainStore* out) {
  const uint8_t opcode = bytes[0], modrm = bytes[1];
  const unsigned mod = modrm >> 6, reg = modrm >> 3 & 7, rm = modrm & 7;
  if ((opcode != kMovStore && (opcode != kMovImmediate || reg != 0)) || mod == 3) return false;
  const uint8_t* at = bytes + 2;
  unsigned base = rm;
  uint32_t offset = 0;
  if (rm == kSib) {
    const uint8_t sib = *at++;
    base = sib & 7;
    const unsigned index = sib >> 3 & 7;
    if (index != kNoIndex) offset = gpr(block, index) << (sib >> 6);
  }
  const bool absolute = mod == 0 && base == kNoBase;
  if (!absolute) offset += gpr(block, base);
  if (mod == 1) {
    offset += static_cast<uint32_t>(int32_t{static_cast<int8_t>(*at)});
    at++;
  } else if (mod == 2 || absolute) {
    offset += dword(at);
    at += 4;
  }
  out->offset = offset;
  out->value = gpr(block, reg);
  if (opcode == kMovImmediate) {
    out->value = dword(at);
    at += 4;
  }
  out->length = static_cast<unsigned>(at - bytes);
  return true;
}

}  // namespace ring1::monitor
