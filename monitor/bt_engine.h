// SPDX-License-Identifier: GPL-2.0-only
// The binary-translation engine: decides how the guest's code runs next (translated at ring 1, directly at ring 3,
// interpreted) and what its traps mean.
#pragma once

#include "emulator/decode_cache.h"
#include "emulator/emulator.h"
#include "include/ring1/vcpu_shared.h"
#include "monitor/trap_block.h"
#include "shadowmmu/mmu.h"
#include "tcache/translation_cache.h"
#include "translator/translator.h"

namespace ring1::monitor {

class Monitor;

class BtEngine final : public tcache::Environment, public tcache::Walker {
 public:
  struct Note {
    enum class Kind : uint8_t { kCode, kEntry, kTable } kind;
    Gpa where;
    unsigned size;  // kCode only
  };

  explicit BtEngine(Monitor& monitor);

  // Before the first entry: finds a place for the hole, sets up the cache.
  void start();

  // One round: serve what is pending, run the guest until its next trap, handle the trap.
  void round();

  // Copies the components' counters into the shared statistics.
  void publish_stats();

  // Brings ring1_cpu_state up to date: the guest stands at an instruction boundary afterwards.
  void to_architectural();

  // User space has changed ring1_cpu_state.
  void state_written();
  void forget(uint64_t gfn, uint64_t count);

  void note_code_written(Gpa where, unsigned size) { note({Note::Kind::kCode, where, size}); }
  // Most entries that change have nothing to do with code: a guest that copies a page directory changes hundreds.
  void note_mapping_changed(Gpa entry) {
    if (cache_.depends_on(entry)) note({Note::Kind::kEntry, entry, 0});
  }
  void note_table_lost(Gpa page) { note({Note::Kind::kTable, page, 0}); }

  tcache::TranslationCache& cache() { return cache_; }
  const char* live_name() const;
  bool in_cache(uint32_t* eip, tcache::Fragment** fragment);

  // tcache::Environment
  bool code_page(unsigned index, void** writable) override;
  bool return_table_page(unsigned index, void** writable) override;
  bool test_and_clear_accessed(unsigned index) override;
  void accessed_sampled() override;
  void code_page_gained(Gpa page) override;
  void code_page_lost(Gpa page) override;
  // tcache::Walker
  bool walk(Gva page, tcache::MappedPage* out) override;

 private:
  // Where the guest's registers are.
  enum class Live : uint8_t {
    kState,       // in ring1_cpu_state
    kTranslated,  // in the trap block, stopped in translated code
    kDirect,      // in the trap block, stopped in user code
  };

  // Serving what is pending (bt_pending.cpp).
  bool serve_pending();      // false: start the round again
  void apply_pending();      // consequences of control-register writes
  void exit_to_user(uint32_t reason);
  void internal_error(uint32_t suberror, const char* why);
  bool interrupts_wanted();
  void inject_interrupt();
  bool interruptible() const;
  void halt();
  void attend() { attention_ = true; }

  // Running (bt_run.cpp).
  void trace_entry();
  void enter_guest();
  bool prepare();            // from kState to kTranslated or kDirect; false: interpreted or faulted instead
  bool enter_translated();
  void enter_direct();
  void block_from_state(uint32_t eip);
  void check_map() const;
  void set_paging();
  void choose_hole();
  void move_hole(uint32_t base);
  translator::Mode mode() const;
  tcache::Fragment* fragment_at(uint32_t eip, bool* faulted);
  tcache::Fragment* translate(uint32_t eip, const translator::Mode& mode, bool* faulted);
  bool gather(uint32_t eip, tcache::MappedPage pages[2], unsigned* available, bool* faulted, bool* need_next);
  bool resume_at(tcache::Fragment* fragment, unsigned offset);

  // Traps (bt_traps.cpp).
  void handle_trap();
  void physical_interrupt(unsigned vector);
  void callout_exit();
  void callout_emulate();
  void callout_indirect();
  void callout_interrupt();
  void page_fault();
  void exception(unsigned vector);
  void debug_exception();
  void system_call(unsigned vector);

  // Emulation (bt_emulate.cpp).
  emulator::Outcome step(emulator::Fault* fault);
  void emulate_one(const emulator::Fault* original);
  void step_over_shadow();
  bool interpret_user();     // true: entered directly, for one instruction
  void deliver(const emulator::Event& event);
  void deliver(const emulator::Fault& fault) { deliver(emulator::event_of(fault)); }
  void finish(emulator::Outcome outcome, const emulator::Fault& fault, const emulator::Fault* original);

  // Recovery (bt_recovery.cpp).
  void recover();
  void take_registers();
  bool stack_word(int displacement, uint32_t* value);

  uint32_t tc_eip() const;

  Monitor& monitor_;
  ring1_vcpu_shared& shared_;
  ring1_cpu_state& cpu_;
  TrapBlock& block_;
  tcache::TranslationCache cache_;
  Live live_ = Live::kState;
  bool attention_ = true;        // something may be pending: look before the next entry
  bool interrupt_wanted_ = false;
  bool plain_segments_ = true;   // DS, ES and FS are in the processor under the guest's own selectors
  bool single_step_ = false;     // TF in the processor is ours
  uint32_t hole_base_ = 0;
  uint32_t paging_generation_ = ~0u;  // of the MMU when the page directories were installed
  uint64_t real_cr0_ = 0, real_cr4_ = 0;

  // Where an emulated instruction's fragment was, to go on in it.
  struct Resume {
    uint64_t generation = 0;
    tcache::Fragment* fragment = nullptr;
  } resume_;

  // Notes of the MMU's listener, acted upon when the update is over.
  void note(const Note& note);
  void act_on_notes();
  static constexpr unsigned kMaxNotes = 64;
  Note notes_[kMaxNotes];
  unsigned note_count_ = 0;
  bool notes_overflowed_ = false;

  // Instructions interpreted since physical interrupts were last served.
  static constexpr unsigned kMaxInterpreted = 256;
  unsigned interpreted_ = 0;
  uint64_t left_guest_ = 0;  // TSC when the guest was last left

  emulator::DecodeCache decoded_;
  translator::Translation translation_;
  uint8_t code_buffer_[translator::Translation::kMaxCode + 16];
  uint8_t guest_code_[translator::kMaxGuestBytes];
};

}  // namespace ring1::monitor
