// SPDX-License-Identifier: GPL-2.0-only
// The binary-translation engine: decides how the guest's code runs next (translated at ring 1, directly at ring 3,
// interpreted) and what its traps mean.
#pragma once

#include "monitor/vcpu/engine.h"
#include "monitor/vcpu/machine.h"
#include "monitor/bt/gates.h"
#include "monitor/bt/guest_view.h"
#include "monitor/bt/narrow_stack.h"
#include "monitor/bt/segments.h"
#include "monitor/bt/tc_memory.h"
#include "monitor/bt/trap_block.h"
#include "tcache/translation_cache.h"
#include "translator/translator.h"

namespace ring1::monitor {

class Vcpu;

class BtEngine final : public Engine, private tcache::Environment, private tcache::Walker, private StoreWatcher {
 public:
  explicit BtEngine(Vcpu& vcpu);

  void forget(uint64_t gfn, uint64_t count) override;
  void publish_stats() override;
  void to_architectural() override;
  const char* live_name() const override;
  void dump() override;
  bool at_architectural_rip() override;
  uint64_t real_rip() const override { return block_.rip; }
  uint64_t monitor_rsp() const override { return block_.monitor_rsp; }

  // A trap that can be answered without the general way: how the guest goes on (trap_block.h). Everything is as it was, and
  // TB_LEAVE, if it cannot.
  unsigned answer();

 private:
  // shadowmmu::Tlb
  void flush_page(Gva page) override;
  void flush_all() override { installed_.flush_wanted = true; }

  // shadowmmu::Listener
  void code_written(Gpa where, unsigned size) override { note({Note::Kind::kCode, where, size}); }
  // Most entries that change have nothing to do with code: a guest that copies a page directory changes hundreds.
  void code_mapping_changed(Gpa entry) override {
    if (cache_.depends_on(entry)) note({Note::Kind::kEntry, entry, 0});
  }
  void code_table_lost(Gpa page) override { note({Note::Kind::kTable, page, 0}); }

  // StoreWatcher
  void stored(Gpa where, unsigned size) override { segments_.written(where, size); }

  // tcache::Environment
  bool code_page(unsigned index, void** writable) override;
  bool return_table_page(unsigned index, void** writable) override;
  bool test_and_clear_accessed(unsigned index) override;
  void accessed_sampled() override;
  void code_page_gained(Gpa page) override;
  void code_page_lost(Gpa page) override;
  void worked(unsigned instructions) override { Engine::worked(instructions); }
  // tcache::Walker
  bool walk(Gva page, tcache::MappedPage* out) override;

  // Where the guest's registers are.
  enum class Live : uint8_t {
    kState,       // in ring1_cpu_state
    kTranslated,  // in the trap block, stopped in translated code
    kDirect,      // in the trap block, stopped in user code
  };

  // Engine (engine.cpp, pending.cpp)
  uint64_t init() override;
  void open_gates();
  void started() override { choose_hole(); }
  void run_guest() override;
  void apply_pending() override;
  void abandon() override;
  bool interrupt_flag() const override;
  using Engine::deliver;
  void deliver(const emulator::Event& event) override;
  bool take_event_along() override;
  bool pass_obstacle(bool for_nmi) override;
  void set_interrupt_waiting(bool waiting) override;

  // Running (run.cpp).
  void trace_entry();
  bool prepare();  // from kState to kTranslated or kDirect; false: interpreted or faulted instead
  // Where DS, ES and FS come from.
  enum class Loaded : uint8_t { kFromState, kInProcessor };
  bool enter_translated(Loaded loaded = Loaded::kFromState);
  void enter_direct(Loaded loaded = Loaded::kFromState);
  void block_from_state(uint32_t eip);
  void check_map() const;
  void set_paging();
  void choose_hole();
  void move_hole(uint32_t base);
  translator::Mode mode() const;
  tcache::Fragment* fragment_at(uint32_t eip);
  tcache::Fragment* translate(uint32_t eip, const translator::Mode& mode);
  bool gather(uint32_t eip, tcache::MappedPage pages[2], unsigned* available, bool need_next);

  // Short answers (answer.cpp).
  bool brief_record(translator::BriefRecord* record) const;
  unsigned answer_trap();
  unsigned answer_brief();
  bool answer_register(const translator::BriefRecord& record);
  unsigned answer_user();
  unsigned answer_return(translator::Brief kind);
  unsigned answer_miss();
  unsigned answer_page_fault();
  unsigned answer_store(uint32_t address);
  bool has_wide_stack();
  bool is_sysenter();
  unsigned enter_again();
  unsigned go_on();

  // Traps (traps.cpp).
  void to_host(unsigned vector);
  void handle_trap();
  bool stopped();
  void interrupted(unsigned vector);
  void impossible_trap(unsigned vector);
  void entry_refused(unsigned vector);
  void callout_exit();
  void callout_emulate();
  void callout_indirect();
  void callout_interrupt();
  void page_fault();
  void fault_across_top();
  bool is_own_fault(const emulator::Fault& fault) const;
  void exception(unsigned vector);
  void debug_exception();
  void system_call(unsigned vector);
  void wild_system_call();

  // Breakpoints (breakpoints.cpp).
  enum class Stop : uint8_t {
    kBoundary,  // between two instructions
    kInside,    // in a sequence; the instruction is yet to be done
    kBehind,    // in a sequence; the instruction is done
  };
  Stop stop();
  void arm_breakpoints();
  void disarm_breakpoints();
  void breakpoints_changed();
  bool on_code_breakpoint(uint32_t eip) const;
  bool meet_code_breakpoint();
  unsigned met_by_guest(unsigned met) const;
  uint32_t linear_of(uint32_t eip) const;

  // Emulation (emulate.cpp).
  void step_over_shadow();
  bool interpret_user();  // true: entered directly, for one instruction

  // Recovery (recovery.cpp).
  void recover();
  void take_registers();
  void look_at_state();
  bool stack_word(int displacement, uint32_t* value);

  uint32_t tc_eip() const;

  bool in_cache(uint32_t* eip, tcache::Fragment** fragment);

  // An NMI that strikes while the trap stub's stack pointer is in the block pushes its frame below it.
  uint8_t room_for_nmi_[256] = {};
  TrapBlock block_{};
  TcMemory tc_memory_;
  NarrowStack narrow_stack_;
  Segments segments_;
  GuestView::Installed installed_;
  GuestView view_;
  Gates gates_;
  tcache::TranslationCache cache_;
  Live live_ = Live::kState;
  bool plain_segments_ = true;  // DS, ES and FS are in the processor under the guest's own selectors
  bool single_step_ = false;    // TF in the processor is ours
  bool at_boundary_ = false;    // recover() found translated code at the very start of an instruction
  bool brief_ = false;          // this stay in the guest may go on by short answers
  uint32_t hole_base_ = 0;
  uint64_t real_cr0_ = 0, real_cr4_ = 0;

  // What the MMU has said of this trap already.
  struct KnownFault {
    bool valid = false;
    shadowmmu::FaultResult result{};
  } known_fault_;

  // Where an emulated instruction's fragment was, to go on in it.
  struct Resume {
    uint64_t generation = 0;
    tcache::Fragment* fragment = nullptr;
  } resume_;

  // What the MMU's listener was told, acted upon when the update is over.
  struct Note {
    enum class Kind : uint8_t { kCode, kEntry, kTable } kind;
    Gpa where;
    unsigned size;  // kCode only
  };
  void note(const Note& note);
  void act_on_notes();
  static constexpr unsigned kMaxNotes = 64;
  Note notes_[kMaxNotes];
  unsigned note_count_ = 0;
  bool code_overflowed_ = false, entries_overflowed_ = false;

  translator::Translation translation_;
  uint8_t code_buffer_[translator::Translation::kMaxCode + 16];
  uint8_t guest_code_[translator::kMaxGuestBytes];
};

}  // namespace ring1::monitor
