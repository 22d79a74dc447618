// SPDX-License-Identifier: GPL-2.0-only
// The machine around an emulated instruction: memory through the shadow MMU's walker, devices, model-specific
// registers, and what changes of control registers mean for the tables the processor really uses.
#pragma once

#include "emulator/machine.h"
#include "monitor/board/devices.h"
#include "monitor/board/guest_memory.h"
#include "monitor/vcpu/guest_reader.h"
#include "monitor/world/host.h"
#include "monitor/vcpu/paravirt_clock.h"
#include "monitor/vcpu/recent_pages.h"
#include "shadowmmu/shadow_mmu.h"

namespace ring1::monitor {

class Machine final : public emulator::Machine, public GuestReader, private vtimer::PvMemory {
 public:
  Machine(Host& host, GuestMemory& memory, shadowmmu::ShadowMmu& mmu, Devices& devices);

  emulator::MemoryStatus read(Gva address, void* to, unsigned size, emulator::Privilege privilege,
                              emulator::Purpose purpose, emulator::Fault* fault) override;
  emulator::MemoryStatus write(Gva address, const void* from, unsigned size, emulator::Privilege privilege,
                               emulator::Purpose purpose, emulator::Fault* fault) override;
  emulator::MemoryStatus probe_write(Gva address, unsigned size, emulator::Privilege privilege,
                                     emulator::Fault* fault) override;
  emulator::MemoryStatus port_in(uint16_t port, unsigned size, uint32_t* value) override;
  emulator::MemoryStatus port_out(uint16_t port, unsigned size, uint32_t value) override;
  bool read_msr(uint32_t index, uint64_t* value) override;
  bool write_msr(uint32_t index, uint64_t value) override;
  void cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4]) override;
  uint64_t read_tsc() override;
  bool takes_hypercalls() override { return kvm_leaf() != 0; }
  emulator::MemoryStatus check_paging(uint64_t cr0, uint64_t cr3, uint64_t cr4) override;
  void cr0_written(uint64_t old_value) override;
  void cr3_written() override;
  void cr4_written(uint64_t old_value) override;
  void invlpg(Gva address) override;
  void descriptor_table_written() override;
  void debug_register_written(unsigned) override { breakpoints_changed(); }
  uint64_t read_cr8() override;
  void write_cr8(uint64_t value) override;

  bool read_system(Gva from, void* to, unsigned size, Gpa* page) override;
  void trace_descriptors(Gpa page, bool on) override;

  // Within a page. False: that is not RAM which may be written without asking, and nothing has happened.
  bool write_ram(Gpa gpa, const void* from, unsigned size);

  // As long as it lives, one instruction is emulated, or one event delivered.
  class Instruction {
   public:
    explicit Instruction(Machine& machine) : pages_(machine.recent_) { pages_.begin(); }
    ~Instruction() { pages_.end(); }
    Instruction(const Instruction&) = delete;

   private:
    RecentPages& pages_;
  };

  // At most one; nullptr: none.
  void set_store_watcher(StoreWatcher* watcher) { store_watcher_ = watcher; }
  ParavirtClock& paravirt_clock() { return paravirt_clock_; }

  // Memory went, or the right to write it: what the running instruction knows of it is not to be used.
  void forget_pages() { recent_.forget(); }
  // Rebuilds everything that follows from the control registers: after user space has changed them.
  void paging_changed() { set_mode(true, paging::Pointers::kLoad); }
  // The guest has changed them by itself, as it may with nested paging. A state that no load would accept is ignored:
  // it faults in the guest as well.
  void control_registers_adopted() { (void)mmu_.set_mode(mode_of(cpu_.cr0, cpu_.cr4), cpu_.cr3); }
  void breakpoints_changed() { pending_.breakpoints = true; }
  // Null, or why the address space of the control registers could not be made: the guest must not run.
  const char* failure() const { return failure_; }

  // The derived state that the run loop must still act on.
  struct Pending {
    bool address_space = false;   // CR3 or the paging mode: install the page directories, revalidate the cache
    bool mode = false;            // the paging mode itself changed: flush the cache
    bool real_registers = false;  // CR0.TS and friends, CR4.OSFXSR
    bool tables = false;          // GDTR, LDTR
    bool breakpoints = false;     // DR0 to DR3, DR7
    bool any() const { return address_space || mode || real_registers || tables || breakpoints; }
  };
  const Pending& pending() const { return pending_; }
  Pending take_pending() {
    const Pending pending = pending_;
    pending_ = {};
    return pending;
  }

  // Data and port breakpoints that accesses have met since the last call (bit n for DRn).
  unsigned take_breakpoints_met() {
    const unsigned met = breakpoints_met_;
    breakpoints_met_ = 0;
    return met;
  }

 private:
  void watch(Gva address, unsigned size, bool write, emulator::Purpose purpose);
  void watch_port(uint16_t port, unsigned size);
  paging::PagingMode mode_of(uint64_t cr0, uint64_t cr4);
  paging::Access access_of(bool write, emulator::Privilege privilege, emulator::Purpose purpose) const;
  // Outside long mode the bytes of an access go on at 0 behind 4 GiB.
  Gva behind(Gva address, unsigned bytes) const;
  bool read_physical(Gpa from, void* to, unsigned size) override;
  bool write_physical(Gpa to, const void* from, unsigned size) override;
  uint32_t kvm_leaf() const;  // with KVM's signature; 0: none
  uint32_t kvm_features() const;
  void tsc_moved() {
    devices_.touch();
    paravirt_clock_.changed();
  }
  bool write_efer(uint64_t value);
  bool write_long_mode_msr(uint32_t index, uint64_t value);
  void set_mode(bool other_mode, paging::Pointers pointers);
  void note_load(shadowmmu::ShadowMmu::Load load);
  emulator::MemoryStatus locate(Gva address, paging::Access access, Gpa* gpa, emulator::Fault* fault);
  // For further accesses to this page by the same instruction.
  void remember(Gva address, paging::Access access, Gpa gpa);
  emulator::MemoryStatus read_piece(Gpa gpa, uint8_t* to, unsigned size);
  // RAM; what watches it is told.
  void write_memory(Gpa gpa, void* to, const void* from, unsigned size);
  emulator::MemoryStatus write_piece(Gpa gpa, const uint8_t* from, unsigned size);
  emulator::MemoryStatus device(Gpa gpa, uint8_t* data, unsigned size, bool is_write);

  Host& host_;
  ring1_cpu_state& cpu_;
  GuestMemory& memory_;
  shadowmmu::ShadowMmu& mmu_;
  Devices& devices_;
  StoreWatcher* store_watcher_ = nullptr;
  ParavirtClock paravirt_clock_;
  RecentPages recent_;
  Pending pending_;
  unsigned breakpoints_met_ = 0;
  const char* failure_ = nullptr;
};

}  // namespace ring1::monitor
