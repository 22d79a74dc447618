// SPDX-License-Identifier: GPL-2.0-only
// What the engines on AMD-V and VT-x have in common: an event goes in with an entry, an exit may cut its delivery
// short, and memory comes by nested tables or by the shadow page tables that binary translation uses.
#pragma once

#include "monitor/vcpu/engine.h"
#include "monitor/hardware/nested_memory.h"

namespace ring1::monitor {

class HardwareEngine : public Engine {
 public:
  void forget(uint64_t gfn, uint64_t count) final;
  void log_dirty(uint64_t gfn, uint64_t count) final;

 protected:
  explicit HardwareEngine(Vcpu& vcpu) : Engine(vcpu) {}
  ~HardwareEngine() = default;

  // ---- What the derived engine supplies ----

  // The same for its nested tables, if it has any; then it flushes before the next entry.
  virtual void forget_nested(uint64_t gfn, uint64_t count) = 0;
  virtual void log_dirty_nested(uint64_t gfn, uint64_t count) = 0;
  // What the last exit tells of its instruction.
  virtual InstructionBytes known_instruction() const { return {}; }

  // ---- What it uses ----

  bool at_free_boundary() const final { return !cpu_.shadow && !cpu_.event.valid; }
  void set_interrupt_waiting(bool waiting) final { interrupt_waiting_ = waiting; }

  // An event goes in with the next entry. There is none yet.
  void inject(const emulator::Event& event);
  // The event in ring1_cpu_state, by the emulator, which knows the rules of double faults. False, as of
  // take_event_along().
  bool take_event_along_by_emulator();
  // The instruction that exited, on the virtual processor; or the event whose delivery was cut short, for then it is
  // the delivery that touched something. `original` is the exception that the processor raised.
  void emulate(const emulator::Fault* original = nullptr);
  void entry_failed(uint64_t reason, const char* why);

  // Memory (memory.cpp)
  void handle(NestedFault fault);
  void shadow_fault(Gva where, uint32_t error_code);
  // Four page-directory pointers of PAE, for the shadow tables as they are now. True: they have changed.
  bool install_directories(uint64_t* pointers);

  bool interrupt_waiting_ = false;    // for IF
  uint32_t paging_generation_ = ~0u;  // of the MMU when the page directories were installed

 private:
  template <class Act>
  void in_pieces(uint64_t gfn, uint64_t count, Act act);
  void emulate_traced(Gpa where);
};

}  // namespace ring1::monitor
