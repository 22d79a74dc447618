// SPDX-License-Identifier: GPL-2.0-only
// What the segmented half of the processor works on: a working copy of the CPU, the machine, the fault. Delivery
// of an event needs no decoded instruction, so nothing here knows one.
#pragma once

#include "emulator/emulator.h"
#include "x86/registers.h"

// Leaves the function with any outcome but kDone.
#define RING1_TRY(expression)                                                                              \
  do {                                                                                                     \
    if (::ring1::emulator::Outcome outcome_ = (expression); outcome_ != ::ring1::emulator::Outcome::kDone) \
      return outcome_;                                                                                     \
  } while (0)

namespace ring1::emulator {

constexpr bool real_mode_of(const ring1_cpu_state& cpu) { return (cpu.cr0 & cr0::kPe) == 0; }
constexpr bool vm86_of(const ring1_cpu_state& cpu) { return !real_mode_of(cpu) && (cpu.rflags & eflags::kVm); }
// Selectors mean descriptors.
constexpr bool protected_of(const ring1_cpu_state& cpu) { return !real_mode_of(cpu) && !vm86_of(cpu); }

// CPL is the DPL of SS's hidden part (as in a VMCS, SDM 3C 24.4.1); whatever loads SS keeps it so, also where SS
// is unusable for a moment.
constexpr unsigned cpl_of(const ring1_cpu_state& cpu) {
  if (real_mode_of(cpu)) return 0;
  if (vm86_of(cpu)) return 3;
  return (cpu.seg[kSs].access & RING1_AR_DPL_MASK) >> RING1_AR_DPL_SHIFT;
}
constexpr unsigned iopl_of(const ring1_cpu_state& cpu) {
  return static_cast<unsigned>(cpu.rflags & eflags::kIopl) >> eflags::kIoplShift;
}
constexpr Privilege privilege_of(unsigned cpl) { return cpl == 3 ? Privilege::kUser : Privilege::kSupervisor; }

// A transaction: operations change `cpu`, a copy; finish() makes it the processor's state or drops it.
class Sys {
 public:
  Sys(ring1_cpu_state& real, Machine& its_machine, Fault* fault, uint32_t external = 0)
      : cpu(real), machine(its_machine), ext(external), real_(real), fault_(fault) {}

  // kDone and kTrap commit, anything else leaves the CPU as it was at the last commit.
  Outcome finish(Outcome outcome) {
    if (outcome == Outcome::kDone || outcome == Outcome::kTrap) commit();
    return outcome;
  }
  // What happens from now on happens in this state: a task switch is past its point of no return.
  void commit() {
    real_ = cpu;
    committed_ = true;
  }
  bool committed() const { return committed_; }

  // EXT (SDM 3A 6.13) is added to what names a selector or nothing; #PF's code never comes this way.
  Outcome raise(Vector vector, uint32_t error_code = 0) {
    *fault_ = Fault{vector, pushes_error_code(vector) ? (error_code | ext) : 0, 0};
    return Outcome::kFault;
  }
  // For a selector: RPL is not part of the error code.
  Outcome raise_selector(Vector vector, uint16_t selector) { return raise(vector, selector & ~3u); }

  static Outcome of(MemoryStatus status) {
    if (status == MemoryStatus::kOk) return Outcome::kDone;
    return status == MemoryStatus::kFault ? Outcome::kFault : Outcome::kBlocked;
  }

  // Linear memory, wrapping at 4 GiB.
  Outcome read(uint32_t linear, void* to, unsigned size, Privilege privilege, Purpose purpose);
  Outcome write(uint32_t linear, const void* from, unsigned size, Privilege privilege, Purpose purpose);
  Outcome probe(uint32_t linear, unsigned size, Privilege privilege);

  // Descriptor tables and task-state segments: supervisor accesses whatever CPL is.
  Outcome read_system(uint64_t linear, void* to, unsigned size) {
    return read(static_cast<uint32_t>(linear), to, size, Privilege::kSupervisor, Purpose::kSystem);
  }
  Outcome write_system(uint64_t linear, const void* from, unsigned size) {
    return write(static_cast<uint32_t>(linear), from, size, Privilege::kSupervisor, Purpose::kSystem);
  }

  ring1_cpu_state cpu;
  Machine& machine;
  uint32_t ext;  // 1 while an event that no instruction asked for is delivered

 private:
  ring1_cpu_state& real_;
  Fault* fault_;
  bool committed_ = false;
};

}  // namespace ring1::emulator
