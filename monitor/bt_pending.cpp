// SPDX-License-Identifier: GPL-2.0-only
// Between two entries into the guest: control registers, devices, interrupts, the host's wishes.
#include "monitor/hardware.h"
#include "monitor/monitor.h"
#include "x86/registers.h"

namespace ring1::monitor {
namespace {

constexpr uint64_t kGuestCr0 = cr0::kMp | cr0::kEm | cr0::kTs | cr0::kAm;
constexpr uint64_t kBaseCr0 = cr0::kPe | cr0::kEt | cr0::kNe | cr0::kWp | cr0::kPg;
constexpr uint64_t kGuestCr4 = cr4::kOsfxsr | cr4::kOsxmmexcpt | cr4::kDe;

}  // namespace

void BtEngine::apply_pending() {
  const Machine::Pending pending = monitor_.machine.take_pending();
  if (pending.mode) cache_.flush();
  if (pending.address_space) {
    if (!pending.mode) cache_.revalidate(*this);
    if (monitor_.mmu.hole_collides()) choose_hole();
  }
  if (pending.address_space || pending.tables) monitor_.machine.segments().refresh(pending.tables);
  if (pending.real_registers || !real_cr0_) {
    ring1_switch& page = monitor_.host.switch_page();
    const uint64_t new_cr0 = kBaseCr0 | (cpu_.cr0 & kGuestCr0);
    const uint64_t new_cr4 = (page.mon_cr4 & ~kGuestCr4) | (cpu_.cr4 & kGuestCr4);
    if (new_cr0 != real_cr0_) hardware::write_cr0(new_cr0);
    if (new_cr4 != real_cr4_) hardware::write_cr4(new_cr4);
    page.mon_cr0 = real_cr0_ = new_cr0;
    page.mon_cr4 = real_cr4_ = new_cr4;
  }
  act_on_notes();
}

void BtEngine::note(const Note& note) {
  if (note_count_ == kMaxNotes)
    notes_overflowed_ = true;
  else
    notes_[note_count_++] = note;
}

void BtEngine::act_on_notes() {
  // The guest may stand in a fragment that is about to go.
  if (notes_overflowed_ || note_count_) to_architectural();
  if (notes_overflowed_) cache_.flush();
  notes_overflowed_ = false;
  for (unsigned i = 0; i < note_count_; i++) {
    const Note& note = notes_[i];
    switch (note.kind) {
      case Note::Kind::kCode:
        cache_.invalidate_bytes(note.where, note.size);
        break;
      case Note::Kind::kEntry:
        cache_.invalidate_dependency(note.where);
        break;
      case Note::Kind::kTable:
        for (uint64_t at = 0; at < kPageSize; at += 4) cache_.invalidate_dependency(note.where + at);
        break;
    }
  }
  note_count_ = 0;
}

bool BtEngine::interrupts_wanted() {
  if (shared_.config.irqchip) return monitor_.devices.has_interrupt();
  return shared_.extint_valid || shared_.request_interrupt_window;
}

bool BtEngine::interruptible() const { return (cpu_.rflags & eflags::kIf) && !cpu_.shadow; }

void BtEngine::exit_to_user(uint32_t reason) {
  shared_.if_flag = (cpu_.rflags & eflags::kIf) != 0;
  shared_.ready_for_interrupt = interruptible() && !shared_.extint_valid;
  monitor_.host.exit_to_user(reason);
  attend();
}

void BtEngine::internal_error(uint32_t suberror, const char* why) {
  monitor_.log.line("the virtual machine stops: %s", why);
  monitor_.dump();
  live_ = Live::kState;
  shared_.exit.internal = {};
  shared_.exit.internal.suberror = suberror;
  shared_.exit.internal.count = 2;
  shared_.exit.internal.data[0] = cpu_.rip;
  shared_.exit.internal.data[1] = block_.rip;
  exit_to_user(KVM_EXIT_INTERNAL_ERROR);
}

void BtEngine::inject_interrupt() {
  int vector;
  if (shared_.config.irqchip) {
    vector = monitor_.devices.acknowledge();
    if (vector < 0) return;
  } else {
    if (!shared_.extint_valid) return;
    vector = shared_.extint_vector;
    shared_.extint_valid = 0;
  }
  cpu_.mp_state = RING1_MP_RUNNABLE;
  shared_.stats.interrupts_injected++;
  deliver(emulator::Event{.vector = static_cast<uint8_t>(vector)});
}

void BtEngine::halt() {
  if (!shared_.config.irqchip) {
    cpu_.mp_state = RING1_MP_RUNNABLE;
    return exit_to_user(KVM_EXIT_HLT);
  }
  shared_.deadline_tsc = monitor_.devices.deadline_tsc();
  monitor_.host.request(RING1_REQUEST_HALT);
  attend();
}

// False: something was done that may need looking at again.
bool BtEngine::serve_pending() {
  if (const char* failure = monitor_.machine.failure()) {
    to_architectural();
    internal_error(KVM_INTERNAL_ERROR_EMULATION, failure);
    return false;
  }
  apply_pending();
  if (monitor_.host.take_visited()) attend();
  if (!attention_) return true;
  attention_ = false;
  if (shared_.kick) {
    to_architectural();
    shared_.kick = 0;
    exit_to_user(KVM_EXIT_INTR);
    return false;
  }
  if (cpu_.shutdown) {
    to_architectural();
    exit_to_user(KVM_EXIT_SHUTDOWN);
    return false;
  }
  monitor_.devices.update();
  const uint64_t deadline = monitor_.devices.deadline_tsc();
  if (deadline != shared_.deadline_tsc && cpu_.mp_state != RING1_MP_HALTED) {
    const bool earlier = deadline && (!shared_.deadline_tsc || deadline < shared_.deadline_tsc);
    shared_.deadline_tsc = deadline;
    if (earlier) {
      monitor_.host.request(RING1_REQUEST_DEADLINE);
      attend();
      return false;
    }
  }
  if (cpu_.event.valid) {
    to_architectural();
    const ring1_pending_event event = cpu_.event;
    cpu_.event = {};
    deliver(emulator::Event{.vector = event.vector, .is_exception = event.is_exception != 0,
                            .is_software = event.is_software != 0, .error_code = event.error_code,
                            .cr2 = cpu_.cr2, .has_error = event.has_error != 0});
    return false;
  }
  if (monitor_.devices.take_nmi()) cpu_.nmi_pending = 1;
  if (cpu_.nmi_pending && !cpu_.nmi_blocked) {
    to_architectural();
    if (cpu_.shadow) {
      step_over_shadow();
      attend();
    } else {
      cpu_.nmi_pending = 0;
      cpu_.nmi_blocked = 1;
      cpu_.mp_state = RING1_MP_RUNNABLE;
      deliver(emulator::Event{.vector = static_cast<uint8_t>(Vector::kNmi)});
    }
    return false;
  }
  interrupt_wanted_ = interrupts_wanted();
  if (interrupt_wanted_) {
    const bool enabled = live_ == Live::kTranslated ? monitor_.tc_memory.shared().interrupt_flag & 1
                                                    : (cpu_.rflags & eflags::kIf) != 0;
    if (enabled) {
      to_architectural();
      if (cpu_.shadow) {  // one more instruction first
        step_over_shadow();
        attend();
        return false;
      }
      if (!shared_.config.irqchip && !shared_.extint_valid) {
        exit_to_user(KVM_EXIT_IRQ_WINDOW_OPEN);
        return false;
      }
      inject_interrupt();
      return false;
    }
  }
  if (live_ == Live::kTranslated) monitor_.tc_memory.shared().pending = interrupt_wanted_;
  if (cpu_.mp_state == RING1_MP_HALTED) {
    halt();
    return false;
  }
  return true;
}

// One line per entry; with chaining off that is one per translated unit.
void BtEngine::trace_entry() {
  uint32_t eip = static_cast<uint32_t>(block_.rip);
  tcache::Fragment* fragment = nullptr;
  const bool translated = in_cache(&eip, &fragment);
  monitor_.log.line("%s %08x eax %08x ebx %08x ecx %08x edx %08x esi %08x edi %08x ebp %08x esp %08x fl %x (after %u)",
                    translated ? "tc" : "user", eip, static_cast<uint32_t>(block_.rax),
                    static_cast<uint32_t>(block_.rbx), static_cast<uint32_t>(block_.rcx),
                    static_cast<uint32_t>(block_.rdx), static_cast<uint32_t>(block_.rsi),
                    static_cast<uint32_t>(block_.rdi), static_cast<uint32_t>(block_.rbp),
                    static_cast<uint32_t>(block_.rsp), static_cast<uint32_t>(block_.rflags),
                    static_cast<uint32_t>(block_.vector));
}

void BtEngine::enter_guest() {
  const uint64_t entered = hardware::read_tsc();
  shared_.stats.guest_entries++;
  if (monitor_.machine.segments().is_wide_stack(static_cast<uint16_t>(block_.ss))) [[likely]]
    ring1_enter_guest(&block_);
  else
    ring1_enter_guest_on(&block_, monitor_.narrow_stack.frame_of(block_));
  const uint64_t left = hardware::read_tsc();
  shared_.stats.tsc_in_guest += left - entered;
  if (left_guest_) shared_.stats.tsc_in_monitor += entered - left_guest_ - monitor_.host.take_absence();
  left_guest_ = left;
}

void BtEngine::publish_stats() {
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
  const shadowmmu::Stats mmu = monitor_.mmu.stats();
  out.mmu_shadow_pages = mmu.mmu_shadow_pages;
  out.mmu_entries_filled = mmu.mmu_entries_filled;
  out.mmu_prefetched = mmu.mmu_prefetched;
  out.mmu_table_writes = mmu.mmu_table_writes;
  out.mmu_zapped_pages = mmu.mmu_zapped_pages;
}

void BtEngine::round() {
  // Interrupts are off in here: a guest that is only interpreted must not keep them from the host.
  if (interpreted_ >= kMaxInterpreted) {
    interpreted_ = 0;
    monitor_.host.request(RING1_REQUEST_DEADLINE);
    attend();
  }
  if (!serve_pending()) return;
  if (live_ == Live::kState && !prepare()) return;
  if (paging_generation_ != monitor_.mmu.generation() || monitor_.flush_wanted) set_paging();
  if (shared_.config.trace) trace_entry();
  interpreted_ = 0;
  enter_guest();
  handle_trap();
}

}  // namespace ring1::monitor
