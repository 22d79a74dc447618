// SPDX-License-Identifier: GPL-2.0-only
// What a handler sees of the instruction it executes: the processor, the machine, the decoded operands, and
// checked ways to reach registers, memory and the stack.
//
// Helpers that can fail return bool; after false the handler returns `c.failure`. A handler may change
// general registers, RIP and RFLAGS at any time: step() puts them back unless the outcome is kDone, kTrap or
// kHalt (or the state was committed). Everything else (segments, control registers, memory) is written only
// when nothing can fail any more. step() has set RIP to the next instruction and cleared RF before the
// handler runs.
#pragma once

#include <Zydis/Decoder.h>

#include "emulator/emulator.h"
#include "emulator/machine.h"
#include "x86/registers.h"

namespace ring1::emulator {

enum class Access : uint8_t { kRead, kWrite, kReadWrite };

// The part of the state that an abandoned instruction gets back.
struct Snapshot {
  uint64_t gpr[16];
  uint64_t rip;
  uint64_t rflags;
};

struct Context {
  Context(ring1_cpu_state& cpu_state, Machine& the_machine, Fault* the_fault)
      : cpu(cpu_state), machine(the_machine), fault(the_fault) {}

  ring1_cpu_state& cpu;
  Machine& machine;
  Fault* fault;
  const ZydisDecodedInstruction* instruction = nullptr;  // null where no instruction is executed (deliver())
  const ZydisDecodedOperand* operands = nullptr;         // the visible ones only
  Snapshot* saved = nullptr;                             // what step() would restore; null outside step()
  unsigned rep_limit = 1;                                // iterations a REP string instruction may run
  Outcome failure = Outcome::kDone;                      // why a helper returned false
  uint8_t shadow = 0;                                    // RING1_SHADOW_* that this instruction leaves behind
  bool trap_due = false;  // TF was set when the instruction began; a handler may clear it

  // Does the guest's CPUID show this bit (0 to 3: EAX EBX ECX EDX)? An instruction behind one that it does not is undefined.
  bool offered(uint32_t leaf, unsigned output, unsigned bit) const {
    uint32_t out[4] = {};
    machine.cpuid(leaf, 0, out);
    return out[output] >> bit & 1;
  }

  // Modes.
  bool real_mode() const { return !(cpu.cr0 & cr0::kPe); }
  bool vm86() const { return (cpu.rflags & eflags::kVm) && !real_mode(); }
  bool protected_mode() const { return (cpu.cr0 & cr0::kPe) && !(cpu.rflags & eflags::kVm); }
  // SS.DPL is the CPL (SDM 3C 24.4.1); whoever loads CS and SS keeps it so.
  unsigned cpl() const {
    if (real_mode()) return 0;
    if (cpu.rflags & eflags::kVm) return 3;
    return (cpu.seg[kSs].access & RING1_AR_DPL_MASK) >> RING1_AR_DPL_SHIFT;
  }
  unsigned iopl() const { return (cpu.rflags & eflags::kIopl) >> eflags::kIoplShift; }
  Privilege privilege() const { return cpl() == 3 ? Privilege::kUser : Privilege::kSupervisor; }
  bool long_mode() const { return cpu.efer & efer::kLma; }
  bool code64() const { return long_mode() && (cpu.seg[kCs].access & RING1_AR_L); }
  bool code32() const { return cpu.seg[kCs].access & RING1_AR_DB; }
  bool stack32() const { return cpu.seg[kSs].access & RING1_AR_DB; }

  // The instruction.
  unsigned operand_size() const { return instruction->operand_width / 8; }  // bytes: 1, 2, 4, 8
  unsigned address_size() const { return instruction->address_width / 8; }  // bytes: 2, 4, 8
  // An offset cut to the address size.
  uint64_t wrap(uint64_t offset) const { return offset & ~uint64_t{0} >> (64 - instruction->address_width); }
  uint64_t next_rip() const { return cpu.rip; }  // until the handler changes it
  bool has_memory(unsigned index) const { return operands[index].type == ZYDIS_OPERAND_TYPE_MEMORY; }
  uint64_t immediate(unsigned index) const { return operands[index].imm.value.u; }
  // From now on the present GPRs, RIP and RFLAGS are what a fault leaves behind.
  void commit();

  // Endings.
  Outcome raise(Vector vector, uint32_t error_code = 0) {
    *fault = Fault{vector, error_code, 0};
    return failure = Outcome::kFault;
  }
  bool fail(Vector vector, uint32_t error_code = 0) { return raise(vector, error_code), false; }
  bool ok(MemoryStatus status) {
    if (status == MemoryStatus::kOk) return true;
    failure = status == MemoryStatus::kFault ? Outcome::kFault : Outcome::kBlocked;
    return false;
  }

  // Registers by Zydis' name (8 to 64 bits, high bytes) and by number. 16- and 8-bit writes keep the rest, 32-bit
  // writes clear the upper half (SDM 1 3.4.1.1).
  uint64_t read_register(ZydisRegister reg) const;
  void write_register(ZydisRegister reg, uint64_t value);
  uint64_t read_gpr(unsigned number, unsigned size) const;  // size 2, 4 or 8
  void write_gpr(unsigned number, unsigned size, uint64_t value);
  void write_accumulator(unsigned size, uint64_t value);  // AL, AX, EAX or RAX

  // Linear memory with the privilege of the CPL, or as a system access; outside 64-bit code below 4 GiB, wrapping.
  bool read_linear(Gva address, void* to, unsigned size, Purpose purpose = Purpose::kData);
  bool write_linear(Gva address, const void* from, unsigned size, Purpose purpose = Purpose::kData);
  bool probe_linear(Gva address, unsigned size, Purpose purpose = Purpose::kData);

  // Limit, type and alignment checks of a segmented access, in 64-bit code of canonical form instead; gives the linear
  // address. #GP(0), #SS(0) or #AC(0).
  bool linear(SegmentRegister segment, uint64_t offset, unsigned size, Access access, Gva* address);
  // Segmented memory: check and transfer.
  bool read_memory(SegmentRegister segment, uint64_t offset, void* to, unsigned size);
  bool write_memory(SegmentRegister segment, uint64_t offset, const void* from, unsigned size);
  // SDM 1 3.3.7.1: the unused bits repeat the last one used.
  bool canonical(uint64_t address) const {
    const unsigned unused = cpu.cr4 & cr4::kLa57 ? 7 : 16;
    return static_cast<uint64_t>(static_cast<int64_t>(address << unused) >> unused) == address;
  }

  // Operands. A memory operand's offset is truncated to the address size.
  SegmentRegister segment_of(unsigned index) const;
  SegmentRegister source_segment() const;  // of an instruction with implicit DS: the prefix, or DS
  uint64_t offset_of(unsigned index) const;
  bool effective_address(unsigned index, unsigned size, Access access, Gva* address);
  unsigned size_of(unsigned index) const { return operands[index].size / 8; }
  // Register or memory operand zero-extended, or an immediate as the encoding extends it (to 64 bits).
  bool read_operand(unsigned index, uint64_t* value);
  // The same of an operand that will be written: a page fault says so (SDM 3A 4.7, W/R of a
  // read-modify-write).
  bool read_for_write(unsigned index, uint64_t* value);
  bool write_operand(unsigned index, uint64_t value);

  // The current stack, addressed by SS.B, in 64-bit code by all of RSP; size 2, 4 or 8. push() moves the stack pointer
  // first, pop() after the read.
  uint64_t stack_mask() const { return code64() ? ~uint64_t{0} : stack32() ? ~uint32_t{0} : 0xffffu; }
  uint64_t stack_pointer() const { return cpu.gpr[kRsp] & stack_mask(); }
  void set_stack_pointer(uint64_t value);
  bool push(uint64_t value, unsigned size);
  bool pop(uint64_t* value, unsigned size);

  // Sets RIP within the present CS after the limit check, or in 64-bit code the check of canonical form: #GP(0). size
  // cuts the target.
  bool jump(uint64_t target, unsigned size);
};

// A handler executes one instruction whose operands are decoded.
using Handler = Outcome (*)(Context&);

}  // namespace ring1::emulator
