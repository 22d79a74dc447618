// SPDX-License-Identifier: GPL-2.0-only
// What the emulator needs of the machine around it. The monitor implements it over shadow page tables and
// devices; tests implement it over an array.
#pragma once

#include <cstdint>

#include "base/address.h"
#include "x86/fault.h"

namespace ring1::emulator {

using ring1::Fault;  // that the current instruction raises

enum class MemoryStatus : uint8_t {
  kOk,
  kFault,    // *fault says which; nothing was transferred
  kBlocked,  // this access cannot be served (no RAM and no device, host trouble): the instruction is abandoned
};

enum class Privilege : uint8_t { kSupervisor, kUser };
enum class Purpose : uint8_t { kData, kFetch, kSystem };  // kSystem: descriptor tables, TSS, IDT: always supervisor

class Machine {
 public:
  // Linear memory, `size` 1..16 bytes, may cross a page; paging, A/D bits, MMIO and traces happen behind it.
  // A write that faults has changed nothing, also when its second page is the one that faults.
  virtual MemoryStatus read(Gva address, void* to, unsigned size, Privilege privilege, Purpose purpose,
                            Fault* fault) = 0;
  virtual MemoryStatus write(Gva address, const void* from, unsigned size, Privilege privilege, Purpose purpose,
                             Fault* fault) = 0;
  // Would a write succeed? Used before read-modify-write and before pushing a multi-word frame.
  virtual MemoryStatus probe_write(Gva address, unsigned size, Privilege privilege, Fault* fault) = 0;

  // Ports, 1, 2 or 4 bytes. The emulator has already checked IOPL and the TSS' permission bitmap.
  virtual MemoryStatus port_in(uint16_t port, unsigned size, uint32_t* value) = 0;
  virtual MemoryStatus port_out(uint16_t port, unsigned size, uint32_t value) = 0;

  // false: #GP(0).
  virtual bool read_msr(uint32_t index, uint64_t* value) = 0;
  virtual bool write_msr(uint32_t index, uint64_t value) = 0;
  virtual void cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4]) = 0;  // EAX EBX ECX EDX
  virtual uint64_t read_tsc() = 0;
  // Does CPUID show a hypervisor that takes hypercalls as KVM does? false: VMCALL and VMMCALL are #UD.
  virtual bool takes_hypercalls() { return false; }
  virtual uint64_t read_pmc(uint32_t index, bool* ok) {
    (void)index;
    *ok = false;
    return 0;
  }

  // May the guest have this PAE paging? Asked before CpuState is changed if that loads the page-directory-pointer
  // registers. kFault: #GP(0), as one of them has a reserved bit.
  virtual MemoryStatus check_paging(uint64_t cr0, uint64_t cr3, uint64_t cr4) {
    (void)cr0, (void)cr3, (void)cr4;
    return MemoryStatus::kOk;
  }
  // Called after the emulator has changed CpuState, so that derived state (shadow tables, real segments) follows.
  virtual void cr0_written(uint64_t old_value) = 0;
  virtual void cr3_written() = 0;
  virtual void cr4_written(uint64_t old_value) = 0;
  virtual void invlpg(Gva address) = 0;
  virtual void descriptor_table_written() {}  // LGDT, LLDT
  virtual void debug_register_written(unsigned index) { (void)index; }
  virtual uint64_t read_cr8() { return 0; }
  virtual void write_cr8(uint64_t value) { (void)value; }
  virtual void wbinvd() {}

 protected:
  ~Machine() = default;
};

}  // namespace ring1::emulator
