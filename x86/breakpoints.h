// SPDX-License-Identifier: GPL-2.0-only
// The breakpoints in the debug registers (SDM 3B 17.2): which of them an address meets. Results are sets of
// breakpoints, bit n for DRn, as DR6 has them.
#pragma once

#include <cstdint>

#include "include/ring1/cpu_state.h"
#include "x86/registers.h"

namespace ring1::breakpoint {

enum class Kind : uint8_t { kCode, kWrite, kPort, kAccess };  // R/W of DR7; a port if CR4.DE is set

inline constexpr unsigned kCount = 4, kAll = (1u << kCount) - 1;
inline constexpr uint64_t kDr6Fixed1 = 0xffff0ff0, kDr7Fixed1 = 1u << 10;
inline constexpr uint64_t kDr6Bd = 1u << 13, kDr6Bs = 1u << 14, kDr6Bt = 1u << 15;
inline constexpr uint64_t kDr7Gd = 1u << 13;   // any #DB clears it (SDM 3B 17.2.4)
inline constexpr uint64_t kDr7Enables = 0xff;  // L0 G0 L1 G1 ...

// The flag that everything about breakpoints is behind.
constexpr bool any(const ring1_cpu_state& cpu) { return cpu.dr[7] & kDr7Enables; }

constexpr bool enabled(const ring1_cpu_state& cpu, unsigned n) { return cpu.dr[7] >> (2 * n) & 3; }
constexpr Kind kind(const ring1_cpu_state& cpu, unsigned n) { return static_cast<Kind>(cpu.dr[7] >> (16 + 4 * n) & 3); }
// LEN; 2 stands for eight bytes.
constexpr unsigned length(const ring1_cpu_state& cpu, unsigned n) {
  constexpr unsigned kLengths[] = {1, 2, 8, 4};
  return kLengths[cpu.dr[7] >> (18 + 4 * n) & 3];
}
// The processor ignores the address bits within the length (SDM 3B 17.2.5).
constexpr uint32_t first(const ring1_cpu_state& cpu, unsigned n) {
  return static_cast<uint32_t>(cpu.dr[n]) & ~(length(cpu, n) - 1);
}
constexpr bool overlaps(const ring1_cpu_state& cpu, unsigned n, uint64_t from, uint64_t size) {
  const uint64_t start = first(cpu, n);
  return from < start + length(cpu, n) && start < from + size;
}

// An instruction that begins at `linear`.
constexpr unsigned met_by_code(const ring1_cpu_state& cpu, uint32_t linear) {
  unsigned met = 0;
  for (unsigned n = 0; n < kCount; n++)
    if (enabled(cpu, n) && kind(cpu, n) == Kind::kCode && static_cast<uint32_t>(cpu.dr[n]) == linear) met |= 1u << n;
  return met;
}

constexpr unsigned met_by_data(const ring1_cpu_state& cpu, uint32_t linear, unsigned size, bool write) {
  unsigned met = 0;
  for (unsigned n = 0; n < kCount; n++) {
    const bool watched = kind(cpu, n) == Kind::kAccess || (kind(cpu, n) == Kind::kWrite && write);
    if (enabled(cpu, n) && watched && overlaps(cpu, n, linear, size)) met |= 1u << n;
  }
  return met;
}

constexpr unsigned met_by_port(const ring1_cpu_state& cpu, uint16_t port, unsigned size) {
  unsigned met = 0;
  if (!(cpu.cr4 & cr4::kDe)) return met;
  for (unsigned n = 0; n < kCount; n++)
    if (enabled(cpu, n) && kind(cpu, n) == Kind::kPort && overlaps(cpu, n, port, size)) met |= 1u << n;
  return met;
}

// Bytes from `linear` on, at most `size`, that no code breakpoint but one at `linear` itself begins in.
constexpr unsigned room_before_code(const ring1_cpu_state& cpu, uint32_t linear, unsigned size) {
  for (unsigned n = 0; n < kCount; n++) {
    const uint32_t distance = static_cast<uint32_t>(cpu.dr[n]) - linear;
    if (enabled(cpu, n) && kind(cpu, n) == Kind::kCode && distance && distance < size) size = distance;
  }
  return size;
}

// DR7 with only these breakpoints enabled: what the processor is given. No general detect.
constexpr uint64_t control(const ring1_cpu_state& cpu, unsigned which) {
  uint64_t value = kDr7Fixed1;
  for (unsigned n = 0; n < kCount; n++)
    if (which >> n & 1) value |= cpu.dr[7] & (uint64_t{3} << (2 * n) | uint64_t{15} << (16 + 4 * n));
  return value;
}

// B0 to B3 belong to the latest exception alone; the other bits stay until software clears them (SDM 3B 17.2.3).
constexpr void report(ring1_cpu_state& cpu, uint64_t bits) {
  cpu.dr[6] = (cpu.dr[6] & ~uint64_t{kAll}) | bits | kDr6Fixed1;
}

}  // namespace ring1::breakpoint
