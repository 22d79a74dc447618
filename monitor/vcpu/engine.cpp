// SPDX-License-Identifier: GPL-2.0-only
// Between two stays in the guest: control registers, devices, interrupts, the host's wishes.
#include "monitor/vcpu/engine.h"

#include <cstddef>

#include "base/assert.h"
#include "monitor/vcpu/vcpu.h"
#include "monitor/world/hardware.h"
#include "x86/registers.h"

namespace ring1::monitor {

Engine::Engine(Vcpu& vcpu)
    : vcpu_(vcpu),
      shared_(vcpu.shared),
      cpu_(vcpu.cpu),
      mmu_(vcpu.pool, vcpu.memory, *this, *this),
      tick_handler_(vcpu.cpu, vcpu.machine) {}

void Engine::worked(unsigned instructions) { vcpu_.host.work(instructions); }

void Engine::start() {
  if (const uint64_t reason = init()) {
    shared_.exit.fail_entry.reason = reason;
    for (;;) vcpu_.host.exit_to_user(KVM_EXIT_FAIL_ENTRY);
  }
  vcpu_.devices.start();
  vcpu_.devices.apic_base_written();
  vcpu_.machine.paging_changed();
  started();
}

void Engine::state_written() {
  abandon();
  vcpu_.devices.apic_base_written();
  vcpu_.machine.paging_changed();
  vcpu_.machine.breakpoints_changed();
  breakpoints_held_ = 0;
  vcpu_.machine.paravirt_clock().changed();
  attend();
}

void Engine::log_dirty(uint64_t gfn, uint64_t count) { mmu_.log_dirty(Gpa(gfn << kPageShift), count); }

void Engine::publish_stats() {
  ring1_stats& out = shared_.stats;
  const shadowmmu::Stats mmu = mmu_.stats();
  out.mmu_shadow_pages = mmu.mmu_shadow_pages;
  out.mmu_entries_filled = mmu.mmu_entries_filled;
  out.mmu_prefetched = mmu.mmu_prefetched;
  out.mmu_table_writes = mmu.mmu_table_writes;
  out.mmu_zapped_pages = mmu.mmu_zapped_pages;
}

bool Engine::interrupts_wanted() {
  if (shared_.config.irqchip) return vcpu_.devices.has_interrupt();
  return shared_.extint_valid || shared_.request_interrupt_window;
}

void Engine::exit_to_user(uint32_t reason) {
  shared_.if_flag = interrupt_flag();
  shared_.ready_for_interrupt = interruptible() && !shared_.extint_valid;
  vcpu_.host.exit_to_user(reason);
  attend();
}

void Engine::internal_error(uint32_t suberror, const char* why) {
  internal_errors_++;
  vcpu_.log.line("the virtual machine stops: %s", why);
  vcpu_.dump();
  abandon();
  shared_.exit.internal = {};
  shared_.exit.internal.suberror = suberror;
  shared_.exit.internal.count = 2;
  shared_.exit.internal.data[0] = cpu_.rip;
  shared_.exit.internal.data[1] = real_rip();
  exit_to_user(KVM_EXIT_INTERNAL_ERROR);
}

void Engine::physical_interrupt(unsigned vector) {
  ring1_switch& page = vcpu_.host.switch_page();
  if (vector == static_cast<unsigned>(Vector::kNmi)) page.nmi_pending = 1;
  if (vector == static_cast<unsigned>(Vector::kMc)) page.mce_pending = 1;
  page.vector = vector;
  vcpu_.host.request(RING1_REQUEST_INTERRUPT);
  attend();
}

// A vector of NMI says that there is nothing to replay but what the pending words tell.
void Engine::physical_interrupt_pending() {
  vcpu_.host.switch_page().vector = static_cast<unsigned>(Vector::kNmi);
  vcpu_.host.request(RING1_REQUEST_INTERRUPT);
  attend();
}

void Engine::inject_interrupt() {
  int vector;
  if (shared_.config.irqchip) {
    vector = vcpu_.devices.acknowledge();
    if (vector < 0) return;
  } else {
    if (!shared_.extint_valid) return;
    vector = shared_.extint_vector;
    shared_.extint_valid = 0;
  }
  cpu_.mp_state = RING1_MP_RUNNABLE;
  shared_.stats.interrupts_injected++;
  if (vcpu_.devices.took_tick()) tick_handler_.begins();
  deliver(emulator::Event{.vector = static_cast<uint8_t>(vector)});
}

void Engine::halt() {
  if (!shared_.config.irqchip) {
    cpu_.mp_state = RING1_MP_RUNNABLE;
    return exit_to_user(KVM_EXIT_HLT);
  }
  shared_.deadline_tsc = vcpu_.devices.deadline_tsc();
  vcpu_.host.request(RING1_REQUEST_HALT);
  attend();
}

// A tick that is made up for waits until the handler of one before is over, which the guest's stack tells.
bool Engine::tick_would_nest() {
  if (!vcpu_.devices.makes_up_now()) return false;
  to_architectural();
  return tick_handler_.at_work();
}

bool Engine::serve_timers() {
  vcpu_.devices.update(tick_would_nest());
  const uint64_t deadline = vcpu_.devices.deadline_tsc();
  if (deadline == shared_.deadline_tsc || cpu_.mp_state == RING1_MP_HALTED) return true;
  const bool earlier = deadline && (!shared_.deadline_tsc || deadline < shared_.deadline_tsc);
  shared_.deadline_tsc = deadline;
  if (!earlier) return true;
  vcpu_.host.request(RING1_REQUEST_DEADLINE);
  attend();
  return false;
}

bool Engine::serve_nmi() {
  if (vcpu_.devices.take_nmi()) cpu_.nmi_pending = 1;
  if (!cpu_.nmi_pending || cpu_.nmi_blocked) return true;
  to_architectural();
  if (!at_free_boundary()) {
    attend();
    return pass_obstacle(true);
  }
  cpu_.nmi_pending = 0;
  cpu_.nmi_blocked = 1;
  cpu_.mp_state = RING1_MP_RUNNABLE;
  deliver(emulator::Event{.vector = static_cast<uint8_t>(Vector::kNmi)});
  return false;
}

bool Engine::serve_interrupt() {
  interrupt_wanted_ = interrupts_wanted();
  if (!interrupt_wanted_ || !interrupt_flag()) return true;
  to_architectural();
  if (!at_free_boundary()) {
    attend();
    return pass_obstacle(false);
  }
  if (!shared_.config.irqchip && !shared_.extint_valid)
    exit_to_user(KVM_EXIT_IRQ_WINDOW_OPEN);
  else
    inject_interrupt();
  return false;
}

// False: something was done that may need looking at again.
bool Engine::serve_pending() {
  if (const char* failure = vcpu_.machine.failure()) {
    to_architectural();
    internal_error(KVM_INTERNAL_ERROR_EMULATION, failure);
    return false;
  }
  apply_pending();
  // It may have found no memory for other tables: the guest must not be entered on those that went.
  if (vcpu_.machine.failure()) return false;
  if (vcpu_.host.take_visited()) attend();
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
  if (ParavirtClock& clock = vcpu_.machine.paravirt_clock(); clock.due()) {
    to_architectural();
    clock.update();
    attend();
    return false;
  }
  if (!serve_timers()) return false;
  if (breakpoints_held_ && !serve_breakpoints()) return false;
  if (cpu_.event.valid && !take_event_along()) return false;
  if (!serve_nmi() || !serve_interrupt()) return false;
  set_interrupt_waiting(interrupt_wanted_);
  if (cpu_.mp_state == RING1_MP_HALTED) {
    halt();
    return false;
  }
  return true;
}

// Counts, and time in cycles, alternate in the list (include/ring1/stats.h).
void Engine::count_exit(ring1_exit_kind why) {
  constexpr size_t kFirst = offsetof(ring1_stats, exits_interrupt) / sizeof(uint64_t);
  static_assert(offsetof(ring1_stats, exits_other_cycles) / sizeof(uint64_t) == kFirst + 2 * RING1_EXIT_OTHER + 1);
  (&shared_.stats.world_switches)[kFirst + 2 * size_t{why}]++;
}

void Engine::note_exit(ring1_exit_kind why) {
  exit_ = why;
  count_exit(why);
}

void Engine::note_short_exit(ring1_exit_kind why) {
  short_exit_ = why;
  count_exit(why);
}

void Engine::going_on() {
  shared_.stats.guest_entries++;
  vcpu_.host.patient();
}

bool Engine::quiet() const {
  return !attention_ && !must_give_up() && !vcpu_.host.visited() && !vcpu_.machine.pending().any() && !vcpu_.machine.failure();
}

void Engine::account_exit(uint64_t now) {
  const uint64_t absence = vcpu_.host.take_absence();
  if (!left_at_) return;
  if (exit_ == RING1_EXIT_KINDS) note_exit(RING1_EXIT_OTHER);
  const uint64_t halted = shared_.stats.tsc_halted - halted_before_;
  (&shared_.stats.exits_interrupt_cycles)[2 * exit_] += now - left_at_ - halted;
  shared_.stats.tsc_in_monitor += now - left_at_ - absence;
}

void Engine::entering_guest() {
  RING1_ASSERT(!must_give_up());
  entered_at_ = hardware::read_tsc();
  account_exit(entered_at_);
  vcpu_.host.stay_ends(entered_at_);
  shared_.stats.guest_entries++;
}

void Engine::left_guest() {
  left_at_ = hardware::read_tsc();
  vcpu_.host.stay_begins(left_at_);
  shared_.stats.tsc_in_guest += left_at_ - entered_at_;
  halted_before_ = shared_.stats.tsc_halted;
  exit_ = RING1_EXIT_KINDS;
}

bool Engine::must_give_up() const { return !vcpu_.withdrawals.empty(); }

// A part of it, and the host gets a turn if there is more.
void Engine::give_up_withdrawn() {
  constexpr uint64_t kPagesAtOnce = 4096;
  uint64_t gfn, count;
  vcpu_.withdrawals.take(kPagesAtOnce, &gfn, &count);
  forget(gfn, count);
  if (!must_give_up()) return;
  vcpu_.host.request(RING1_REQUEST_DEADLINE);
  attend();
}

void Engine::check_mmu() {
  if (++rounds_ % shared_.config.check_mmu || must_give_up()) return;
  // A turn for the host in between may take pages away that the tables still show.
  const uint64_t generation = vcpu_.memory.generation();
  const char* broken = mmu_.check();
  if (generation != vcpu_.memory.generation()) return;
  if (broken) vcpu_.log.line("the shadow tables: %s", broken);
  RING1_ASSERT(!broken);
}

void Engine::round() {
  if (vcpu_.take_state_written()) [[unlikely]]
    state_written();
  if (must_give_up()) [[unlikely]]
    give_up_withdrawn();
  // Interrupts are off in here: a guest that is never entered, as it is interpreted or its events meet events, must not
  // keep them from the host.
  vcpu_.host.work(kRoundWork);
  if (vcpu_.host.impatient()) {
    vcpu_.host.request(RING1_REQUEST_DEADLINE);
    attend();
  }
  if (shared_.config.check_mmu) [[unlikely]]
    check_mmu();
  if (serve_pending() && !must_give_up()) run_guest();
}

}  // namespace ring1::monitor
