// SPDX-License-Identifier: GPL-2.0-only
// The page that translated code reaches through GS, and the table behind it. Guest ring-1 code could write
// the page: nothing here is trusted, the monitor validates what it reads.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ring1::translator {

struct SharedPage {
  uint8_t interrupt_flag;  // the guest's IF, 0 or 1
  uint8_t pad[3];
  uint32_t pending;      // non-zero: an interrupt waits for IF; STI, POPF look here
  uint32_t spill[4];     // scratch of inline sequences
  uint32_t jump_target;  // operand of an indirect call or jump on its way to the stack
  uint32_t virtual_cs;   // what PUSH CS and MOV r, CS give
  uint32_t virtual_ss;
  uint32_t virtual_gs;
  uint8_t popped_flags[256];  // PoppedFlags by bits 15:8 of an EFLAGS that POPF loads
};

// What POPF may load without the monitor: IF goes to interrupt_flag, the processor takes the rest.
enum PoppedFlags : uint8_t { kIfClear = 0, kIfSet = 1, kOdd = 2 };

// `bits` 15:8: TF, IF, DF, OF, IOPL, NT. A single step, an IOPL and a nested task are for the monitor.
constexpr PoppedFlags popped_flags(unsigned bits) {
  if (bits & (1u | 3u << 4 | 1u << 6)) return kOdd;
  return bits & 2 ? kIfSet : kIfClear;
}

// Distances from GS.base.
inline constexpr uint32_t kSharedPageOffset = 0;
inline constexpr uint32_t kReturnTableOffset = 0x1000;  // uint32_t[65536]: entry by the low 16 bits of the target's EIP
inline constexpr uint32_t kReturnTableEntries = 65536;
inline constexpr uint32_t kGsSegmentBytes = kReturnTableOffset + 4 * kReturnTableEntries;

// Software interrupts by which translated code calls the monitor; vectors the manual reserves and no device uses.
enum class CalloutVector : uint8_t {
  kExit = 22,          // a direct exit that is not chained yet
  kEmulate = 23,       // execute the guest instruction of this callout in the monitor
  kIndirectMiss = 24,  // the return table had no entry, or another target's
  kInterrupt = 25,     // IF became 1 while SharedPage::pending was set
  kBrief = 26,         // as kEmulate, but a BriefRecord stands behind the INT: the monitor may answer it from the registers alone
};

// What a kBrief asks for, so that nothing is decoded again. Its instruction is in 32-bit code at CPL 0.
enum class Brief : uint8_t {
  kReadTsc,  // RDTSC
  kCpuid,
  kReadControl,  // MOV from CR: operand is its number << 4 | the general register's
  kReturn,       // IRET, of 32 bits; it ends the unit
  kSysexit,      // it ends the unit
};

// Behind it the unit goes on.
struct [[gnu::packed]] BriefRecord {
  Brief kind;
  uint8_t operand;
};

}  // namespace ring1::translator
