// SPDX-License-Identifier: GPL-2.0-only
// The interpreter for what is not worth translating: real mode, device memory, system instructions.
#pragma once

#include "emulator/machine.h"
#include "include/ring1/cpu_state.h"
#include "x86/instruction_bytes.h"

namespace ring1::emulator {

class DecodeCache;  // decode_cache.h

enum class Outcome : uint8_t {
  kDone,         // executed; RIP points at the next instruction (or at the same one: REP yields between iterations)
  kFault,        // *fault is to be delivered; CpuState is as before the instruction (fault semantics, SDM 3A 6.5)
  kTrap,         // *fault is to be delivered after the instruction (#DB of TF, INT n is delivered by itself)
  kHalt,         // HLT executed; RIP points after it
  kUnsupported,  // an instruction or case the emulator does not know; CpuState unchanged
  kBlocked,      // Machine said kBlocked; CpuState unchanged
  kShutdown,     // triple fault during an event's delivery
};

// Executes the instruction at CS:RIP in whatever mode CpuState is in (real, protected 16/32 bit, virtual-8086, 64-bit).
// In long mode what reads descriptors (far transfers, segment loads, interrupts, table registers) is kUnsupported. REP
// string instructions run at most `rep_limit` iterations. Clears the previous interrupt shadow, sets the new one. A
// decode cache belongs to the caller, is optional, and needs no invalidation. Bytes that are known already, perhaps,
// are not fetched, and the processor's checks of the fetch are taken as done.
[[nodiscard]] Outcome step(ring1_cpu_state& cpu, Machine& machine, Fault* fault, unsigned rep_limit = 4096,
                           DecodeCache* cache = nullptr, const InstructionBytes* known = nullptr);

// An event on its way to the guest's IDT (or real-mode vector table).
struct Event {
  uint8_t vector;
  bool is_exception = false;  // pushes the error code where the manual says so; double-fault rules apply
  bool is_software = false;   // INT n, INT3, INTO: gate DPL is checked
  uint32_t error_code = 0;
  uint64_t cr2 = 0;  // written to CR2 if vector is #PF and is_exception
  bool has_error = false;
  // is_software: RIP still points at the instruction, this far before the return address, so that a fault during
  // delivery (gate DPL) names the instruction. 0: RIP is the return address already.
  uint8_t instruction_length = 0;
};

// Delivers an event through the guest's IDT: privilege change, TSS stack, task gate, virtual-8086, real mode
// (SDM 3A 6.12, 6.13, 20.1.4). A fault during delivery becomes #DF, then shutdown, by SDM 3A table 6-5.
// Returns kDone, kShutdown or kBlocked; kUnsupported in long mode, where the processor itself delivers.
[[nodiscard]] Outcome deliver(ring1_cpu_state& cpu, Machine& machine, const Event& event);

// EFLAGS as its frame shows them. Faults push RF so that their instruction, restarted, does not meet the same code breakpoint
// again (SDM 3B 17.3.1.1).
[[nodiscard]] uint32_t flags_to_push(const ring1_cpu_state& cpu, const Event& event);

constexpr Event event_of(const Fault& fault) {
  return Event{static_cast<uint8_t>(fault.vector), true, false, fault.error_code, fault.cr2,
               pushes_error_code(fault.vector)};
}

}  // namespace ring1::emulator
