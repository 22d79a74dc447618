// SPDX-License-Identifier: GPL-2.0-only
// Between two stays in the guest: what the engine's own parts must follow.
#include "monitor/bt/engine.h"
#include "monitor/world/hardware.h"
#include "monitor/vcpu/vcpu.h"
#include "x86/breakpoints.h"
#include "x86/registers.h"

namespace ring1::monitor {
namespace {

constexpr uint64_t kGuestCr0 = cr0::kMp | cr0::kEm | cr0::kTs | cr0::kAm;
constexpr uint64_t kBaseCr0 = cr0::kPe | cr0::kEt | cr0::kNe | cr0::kWp | cr0::kPg;
constexpr unsigned kEntryWork = 60;  // instructions to find that no code depends on an entry
constexpr uint64_t kGuestCr4 = cr4::kOsfxsr | cr4::kOsxmmexcpt | cr4::kDe;

}  // namespace

void BtEngine::apply_pending() {
  const Machine::Pending pending = vcpu_.machine.take_pending();
  if (pending.mode) cache_.flush();
  if (pending.address_space && !pending.mode) cache_.revalidate(*this);
  // The guest may touch what it has just mapped there with its next instruction: nothing tells it to flush anything first.
  if (mmu_.hole_collides()) [[unlikely]] {
    to_architectural();
    choose_hole();
  }
  if (pending.address_space || pending.tables) {
    segments_.refresh(pending.tables);
    hardware::lldt(static_cast<uint16_t>(vcpu_.host.switch_page().ldt_selector));
  }
  if (pending.real_registers || !real_cr0_) {
    ring1_switch& page = vcpu_.host.switch_page();
    const uint64_t new_cr0 = kBaseCr0 | (cpu_.cr0 & kGuestCr0);
    const uint64_t new_cr4 = (page.mon_cr4 & ~kGuestCr4) | (cpu_.cr4 & kGuestCr4);
    if (new_cr0 != real_cr0_) hardware::write_cr0(new_cr0);
    if (new_cr4 != real_cr4_) hardware::write_cr4(new_cr4);
    page.mon_cr0 = real_cr0_ = new_cr0;
    page.mon_cr4 = real_cr4_ = new_cr4;
  }
  if (pending.breakpoints) breakpoints_changed();
  act_on_notes();
}

void BtEngine::note(const Note& note) {
  // A string instruction writes a page piece by piece.
  if (note.kind == Note::Kind::kCode && note_count_) {
    Note& last = notes_[note_count_ - 1];
    if (last.kind == Note::Kind::kCode && note.where == last.where + last.size) {
      last.size += note.size;
      return;
    }
  }
  if (note_count_ < kMaxNotes)
    notes_[note_count_++] = note;
  else if (note.kind == Note::Kind::kCode)
    code_overflowed_ = true;
  else
    entries_overflowed_ = true;
}

void BtEngine::act_on_notes() {
  // The guest may stand in a fragment that is about to go.
  if (note_count_) to_architectural();
  if (code_overflowed_) cache_.flush();
  if (entries_overflowed_) cache_.revalidate_everything(*this);
  code_overflowed_ = entries_overflowed_ = false;
  for (unsigned i = 0; i < note_count_; i++) {
    const Note& note = notes_[i];
    switch (note.kind) {
      case Note::Kind::kCode: cache_.invalidate_bytes(note.where, note.size); break;
      case Note::Kind::kEntry: cache_.entry_changed(note.where, *this); break;
      case Note::Kind::kTable:
        for (uint64_t at = 0; at < kPageSize; at += 4) {
          worked(kEntryWork);
          cache_.entry_changed(note.where + at, *this);
        }
        break;
    }
  }
  note_count_ = 0;
}

bool BtEngine::interrupt_flag() const {
  return live_ == Live::kTranslated ? tc_memory_.shared().interrupt_flag & 1 : Engine::interrupt_flag();
}

void BtEngine::deliver(const emulator::Event& event) {
  if (event.is_exception) shared_.stats.exceptions_injected++;
  if (shared_.config.short_ways && !breakpoint::any(cpu_) && gates_.deliver(event)) {
    if (!event.is_exception) attend();  // others may wait behind it
    return;
  }
  deliver_by_emulator(event);
}

bool BtEngine::take_event_along() {
  to_architectural();
  const emulator::Event event = event_of(cpu_);
  cpu_.event = {};
  deliver(event);
  return false;
}

// The instruction in the shadow of STI or MOV SS is interpreted.
bool BtEngine::pass_obstacle(bool for_nmi) {
  (void)for_nmi;
  step_over_shadow();
  return false;
}

void BtEngine::set_interrupt_waiting(bool waiting) {
  if (live_ == Live::kTranslated) tc_memory_.shared().pending = waiting;
}

// One line per entry; with chaining off that is one per translated unit.
void BtEngine::trace_entry() {
  uint32_t eip = static_cast<uint32_t>(block_.rip);
  tcache::Fragment* fragment = nullptr;
  const bool translated = in_cache(&eip, &fragment);
  vcpu_.log.line("%s %08x eax %08x ebx %08x ecx %08x edx %08x esi %08x edi %08x ebp %08x esp %08x fl %x (after %u)",
                 translated ? "tc" : "user", eip, static_cast<uint32_t>(block_.rax), static_cast<uint32_t>(block_.rbx),
                 static_cast<uint32_t>(block_.rcx), static_cast<uint32_t>(block_.rdx),
                 static_cast<uint32_t>(block_.rsi), static_cast<uint32_t>(block_.rdi),
                 static_cast<uint32_t>(block_.rbp), static_cast<uint32_t>(block_.rsp),
                 static_cast<uint32_t>(block_.rflags), static_cast<uint32_t>(block_.vector));
}

void BtEngine::publish_stats() {
  Engine::publish_stats();
  ring1_stats& out = shared_.stats;
  const tcache::Stats& tc = cache_.stats();
  out.tc_translations = tc.translations;
  out.tc_guest_bytes = tc.guest_bytes;
  out.tc_code_bytes = tc.code_bytes;
  out.tc_lookup_hits = tc.lookup_hits;
  out.tc_lookup_misses = tc.lookup_misses;
  out.tc_chained = tc.chained;
  out.tc_unchained = tc.unchained;
  out.tc_evicted = tc.evicted;
  out.tc_eviction_groups = tc.eviction_groups;
  out.tc_invalidated_write = tc.invalidated_write;
  out.tc_invalidated_remap = tc.invalidated_remap;
  out.tc_flushes = tc.flushes;
  out.tc_bytes_used = tc.bytes_used;
  out.tc_bytes_size = tc.bytes_size;
  out.tc_fragments = tc.fragments;
}

void BtEngine::run_guest() {
  if (live_ == Live::kState && !prepare()) return;
  if (must_give_up()) return;
  if (installed_.generation != mmu_.generation() || installed_.flush_wanted) set_paging();
  if (shared_.config.trace) trace_entry();
  const bool watching = breakpoint::any(cpu_);
  entering_guest();
  brief_ = shared_.config.short_ways && !watching && !shared_.config.trace && !shared_.config.check_mmu;
  if (watching) [[unlikely]]
    arm_breakpoints();
  if (segments_.is_wide_stack(static_cast<uint16_t>(block_.ss))) [[likely]]
    ring1_enter_guest(&block_);
  else
    ring1_enter_guest_on(&block_, narrow_stack_.frame_of(block_));
  if (watching) [[unlikely]]
    disarm_breakpoints();
  left_guest();
  handle_trap();
}

}  // namespace ring1::monitor
