// SPDX-License-Identifier: GPL-2.0-only
// The 8 bytes of a descriptor or gate (SDM 3A 3.4.5, 5.8.3, 6.11) and where they lie.
#pragma once

#include "emulator/system/sys.h"

namespace ring1::emulator {

// Types of system descriptors (SDM 3A table 3-2).
enum class SystemType : uint8_t {
  kTss16 = 1,
  kLdt = 2,
  kTss16Busy = 3,
  kCallGate16 = 4,
  kTaskGate = 5,
  kInterruptGate16 = 6,
  kTrapGate16 = 7,
  kTss32 = 9,
  kTss32Busy = 11,
  kCallGate32 = 12,
  kInterruptGate32 = 14,
  kTrapGate32 = 15,
};

inline constexpr uint32_t kTssBusy = 2;  // in the type

constexpr bool is_null(uint16_t selector) { return (selector & ~3u) == 0; }
constexpr unsigned rpl_of(uint16_t selector) { return selector & 3; }
constexpr bool is_local(uint16_t selector) { return (selector & 4) != 0; }

struct Descriptor {
  uint32_t low = 0, high = 0;
  uint64_t where = 0;  // its linear address

  uint32_t base() const { return (low >> 16) | ((high & 0xff) << 16) | (high & 0xff000000); }
  uint32_t limit() const;
  // Access rights in the VMCS' format. L means nothing outside long mode and is dropped.
  uint32_t access() const { return (high >> 8) & 0xf0ff & ~RING1_AR_L; }
  unsigned dpl() const { return (high >> 13) & 3; }
  bool present() const { return (high & (1u << 15)) != 0; }

  bool is_system() const { return (high & (1u << 12)) == 0; }
  SystemType system_type() const { return static_cast<SystemType>((high >> 8) & 15); }
  bool is_system(SystemType type) const { return is_system() && system_type() == type; }

  bool is_code() const { return !is_system() && (access() & RING1_AR_CODE); }
  bool is_data() const { return !is_system() && !(access() & RING1_AR_CODE); }
  bool is_conforming() const { return is_code() && (access() & RING1_AR_DOWN); }
  bool is_readable() const { return is_data() || (is_code() && (access() & RING1_AR_WRITABLE)); }
  bool is_writable_data() const { return is_data() && (access() & RING1_AR_WRITABLE); }

  // Of a gate.
  uint16_t gate_selector() const { return static_cast<uint16_t>(low >> 16); }
  uint32_t gate_offset() const { return (low & 0xffff) | (high & 0xffff0000); }
  unsigned gate_parameters() const { return high & 31; }
};

// Reads the descriptor a selector names. Outside its table: `outside` with the selector as error code.
[[nodiscard]] Outcome read_descriptor(Sys& sys, uint16_t selector, Vector outside, Descriptor* descriptor);

// As for instructions that only ask (LAR, VERR...): *found is false outside the table or for a null selector.
[[nodiscard]] Outcome find_descriptor(Sys& sys, uint16_t selector, bool* found, Descriptor* descriptor);

// Sets the Accessed bit in the guest's memory (SDM 3A 3.4.5.1) and in the copy.
[[nodiscard]] Outcome mark_accessed(Sys& sys, Descriptor* descriptor);

// Sets or clears Busy of a TSS descriptor in the guest's memory.
[[nodiscard]] Outcome mark_busy(Sys& sys, Descriptor* descriptor, bool busy);

ring1_segment segment_of(uint16_t selector, const Descriptor& descriptor);
ring1_segment null_segment(uint16_t selector);

// May `size` bytes at this offset be accessed as far as the limit goes (SDM 3A 5.3)?
bool within_limit(const ring1_segment& segment, uint32_t offset, unsigned size);

}  // namespace ring1::emulator
