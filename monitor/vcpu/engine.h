// SPDX-License-Identifier: GPL-2.0-only
// What the engines have in common: the loop of a virtual processor. It serves the wishes of user space and of the
// devices between two stays in the guest, decides when an interrupt or NMI goes in, and executes single instructions on
// the virtual processor. How the guest's code runs is the derived engine's.
#pragma once

#include "base/address.h"
#include "emulator/decode_cache.h"
#include "emulator/emulator.h"
#include "include/ring1/vcpu_shared.h"
#include "monitor/vcpu/tick_handler.h"
#include "shadowmmu/shadow_mmu.h"

namespace ring1::monitor {

class Vcpu;

class Engine : protected shadowmmu::Tlb, protected shadowmmu::Listener {
 public:
  // Before the first round. Does not return if the engine cannot work here: each KVM_RUN ends with FAIL_ENTRY then.
  void start();

  // One round: serve what is pending, let the guest run until it stops for something, handle that.
  void round();

  // User space has changed ring1_cpu_state.
  void state_written();

  // These guest pages are no longer the guest's, or elsewhere. Between two stays in the guest.
  virtual void forget(uint64_t gfn, uint64_t count) = 0;

  // Nothing may write these guest pages any more without GuestMemory::page_for_write().
  virtual void log_dirty(uint64_t gfn, uint64_t count);

  // Copies the components' counters into the shared statistics.
  virtual void publish_stats();

  // Brings ring1_cpu_state up to date: the guest stands at an instruction boundary afterwards.
  virtual void to_architectural() = 0;

  // The guest's own tables, read; and shadows of them, where the engine runs the guest on these.
  shadowmmu::ShadowMmu& mmu() { return mmu_; }

  // Into the log: where the guest's registers are, and the engine's own view of them. Changes nothing.
  virtual const char* live_name() const = 0;
  virtual void dump() = 0;
  // False if the guest's code stands under another address than CS:RIP of ring1_cpu_state (then dump() has shown it).
  virtual bool at_architectural_rip() { return true; }
  // Where the guest really stopped last.
  virtual uint64_t real_rip() const { return cpu_.rip; }
  // Where the monitor's stack goes on while RSP is somewhere else; 0: it never is.
  virtual uint64_t monitor_rsp() const { return 0; }

 protected:
  explicit Engine(Vcpu& vcpu);
  ~Engine() = default;

  // ---- What the derived engine supplies ----

  // Allocates; 0, or the reason of KVM_EXIT_FAIL_ENTRY.
  virtual uint64_t init() = 0;
  // Invalidation of what the processor knows of the guest's address space. May wait until the next entry.
  void flush_page(Gva page) override = 0;
  void flush_all() override = 0;
  void worked(unsigned instructions) override;
  // Devices, registers and address space are there.
  virtual void started() {}
  // From ring1_cpu_state into the guest until it stops, and the answer to that.
  virtual void run_guest() = 0;
  // Acts on Machine::take_pending(), and on notes.
  virtual void apply_pending() = 0;
  // ring1_cpu_state is what counts from now on; what the processor holds is lost.
  virtual void abandon() = 0;
  // The guest's IF now, wherever the registers are.
  virtual bool interrupt_flag() const { return (cpu_.rflags & kInterruptFlag) != 0; }

  // An exception or interrupt goes to the guest's IDT: here and now by the emulator, or at the next entry by the
  // processor (then it waits in ring1_cpu_state.event). to_architectural() was called.
  virtual void deliver(const emulator::Event& event) = 0;
  // ring1_cpu_state.event is valid: from user space, or cut short by an exit. True: the entry takes it along; false: it
  // was dealt with, look again.
  virtual bool take_event_along() = 0;
  // May an interrupt or NMI be delivered at this boundary? to_architectural() was called. IF is not meant.
  virtual bool at_free_boundary() const { return !cpu_.shadow; }
  // It may not: get past the obstacle. True: the guest must run first, and the engine sees to it that it comes back at
  // once; false: something was executed, look again.
  virtual bool pass_obstacle(bool for_nmi) = 0;
  // Just before an entry: does an external interrupt wait for IF?
  virtual void set_interrupt_waiting(bool waiting) { (void)waiting; }

  // ---- What it uses ----

  void attend() { attention_ = true; }
  void exit_to_user(uint32_t reason);
  void internal_error(uint32_t suberror, const char* why);
  // The guest stopped for a physical interrupt (`vector`, acknowledged), an NMI or a machine check: the host's turn.
  void physical_interrupt(unsigned vector);
  // The host gets a turn and takes by itself whatever is pending at the interrupt controller.
  void physical_interrupt_pending();
  bool interruptible() const { return interrupt_flag() && !cpu_.shadow && !cpu_.event.valid; }

  // Guest memory went since this round began: the guest must not be entered before the next.
  bool must_give_up() const;
  // Time in the guest: before and after each stay. Then the engine says why the stay ended, once.
  void entering_guest();
  void left_guest();
  void note_exit(ring1_exit_kind why);
  // A stay that ended and was dealt with at once. Where the guest goes on at once as well (going_on), its time is the guest's;
  // else it ends here after all.
  void note_short_exit(ring1_exit_kind why);
  void going_on();
  void short_exit_ends() { exit_ = short_exit_; }
  // May the guest go on without a round in between? Nothing is due, as far as the vCPU knows.
  bool quiet() const;

  // Breakpoints of the guest (breakpoints.cpp).
  // #DB, with what DR6 shall report besides what it holds.
  void deliver_debug(uint64_t status);
  // Breakpoints that were met and wait for the next instruction boundary.
  void hold_breakpoints(unsigned met);

  // One instruction on the virtual processor (emulate.cpp). `known`: what the processor has told of it, if anything.
  emulator::Outcome step(emulator::Fault* fault, const InstructionBytes* known = nullptr);
  // `original`: the exception that the processor raised for it, if any.
  void emulate_one(const emulator::Fault* original, const InstructionBytes* known = nullptr);
  void finish(emulator::Outcome outcome, const emulator::Fault& fault, const emulator::Fault* original);
  void deliver(const emulator::Fault& fault) { deliver(emulator::event_of(fault)); }
  // By the emulator, through the guest's IDT.
  void deliver_by_emulator(const emulator::Event& event);

  Vcpu& vcpu_;
  ring1_vcpu_shared& shared_;
  ring1_cpu_state& cpu_;
  shadowmmu::ShadowMmu mmu_;
  bool interrupt_wanted_ = false;
  unsigned internal_errors_ = 0;
  unsigned breakpoints_held_ = 0;  // bit n for DRn

  // Instructions that these take, for Host::work().
  static constexpr unsigned kRoundWork = 300, kStepWork = 500, kDeliveryWork = 1500, kTranslationWork = 15000,
                            kWalkWork = 400;

 private:
  static constexpr uint64_t kInterruptFlag = 1u << 9;

  void give_up_withdrawn();
  void check_mmu();
  bool serve_pending();  // false: start the round again
  bool tick_would_nest();
  bool serve_timers();
  bool serve_breakpoints();
  bool serve_nmi();
  bool serve_interrupt();
  bool interrupts_wanted();
  void inject_interrupt();
  void halt();
  emulator::Outcome step_watched(emulator::Fault* fault);

  TickHandler tick_handler_;
  bool attention_ = true;  // something may be pending: look before the next entry
  uint64_t rounds_ = 0;    // counted for check_mmu()
  void account_exit(uint64_t now);
  void count_exit(ring1_exit_kind why);

  uint64_t entered_at_ = 0, left_at_ = 0;    // TSC of the last stay in the guest
  uint64_t halted_before_ = 0;               // tsc_halted as the stay ended
  ring1_exit_kind exit_ = RING1_EXIT_KINDS;  // why it ended; RING1_EXIT_KINDS: not said
  ring1_exit_kind short_exit_ = RING1_EXIT_OTHER;
  emulator::DecodeCache decoded_;
};

// The event that waits in ring1_cpu_state, for deliver_by_emulator().
emulator::Event event_of(const ring1_cpu_state& cpu);
// The other way round; CR2 of a page fault is written at once.
void set_event(ring1_cpu_state& cpu, const emulator::Event& event);

}  // namespace ring1::monitor
