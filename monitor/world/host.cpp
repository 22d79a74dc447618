// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/world/host.h"

#include <cerrno>

#include "base/assert.h"
#include "monitor/world/hardware.h"
#include "monitor/world/tables.h"

namespace ring1::monitor {

Host::Host(ring1_switch& page, ring1_vcpu_shared& shared)
    : page_(page), shared_(shared), began_(hardware::read_tsc()) {}

void Host::enter_host() {
  hardware::barrier();
  const uint32_t request = shared_.request;
  debug_registers_.give_back();
  system_call_registers_.give_back(&shared_.cpu);
  const uint64_t before = hardware::read_tsc();
  stay_ends(before);
  reinterpret_cast<void (*)(ring1_switch*)>(page_.to_host)(&page_);
  load_tables(page_);
  hardware::barrier();
  const uint64_t after = hardware::read_tsc(), away = after - before;
  stay_begins(after);
  if (request != RING1_REQUEST_HALT && request != RING1_REQUEST_EXIT) shared_.stats.tsc_in_host += away;
  absence_ += away;
  visited_ = true;
  if (shared_.withdrawn.count && handler_) [[unlikely]]
    handler_->withdrawn(shared_.withdrawn);
  if (const uint64_t stood = shared_.stopped_cycles - stopped_; stood != 0) {
    stopped_ += stood;
    if (handler_) handler_->time_stood(stood);
  }
  visits_++;
}

bool Host::withdrew(uint64_t gfn, uint64_t count) const {
  for (unsigned i = 0; i < shared_.withdrawn.count; i++) {
    const ring1_page_range& range = shared_.withdrawn.range[i];
    if (gfn < range.gfn + range.count && range.gfn < gfn + count) return true;
  }
  return false;
}

void Host::serve() {
  while (shared_.command != RING1_COMMAND_RUN) {
    const auto wanted = static_cast<ring1_command>(shared_.command);
    shared_.status = handler_ ? handler_->command(wanted) : -EINVAL;
    shared_.request = RING1_REQUEST_DONE;
    enter_host();
  }
}

void Host::request(ring1_request kind) {
  shared_.request = kind;
  asking_ = kind == RING1_REQUEST_PIN;
  enter_host();
  serve();
  asking_ = false;
}

void Host::exit_to_user(uint32_t reason) {
  shared_.exit.reason = reason;
  if (handler_) handler_->leaving_for_user();
  request(RING1_REQUEST_EXIT);
}

unsigned Host::pages(unsigned count) {
  shared_.pages.count = count;
  shared_.request = RING1_REQUEST_PAGES;
  // Served inside the module's entry function, which sets the command to RUN.
  enter_host();
  return shared_.pages.count;
}

void Host::poll() {
  shared_.stats.polls++;
  shared_.request = RING1_REQUEST_POLL;
  // As for pages().
  enter_host();
}

void Host::die() {
  for (;;) {
    shared_.request = RING1_REQUEST_PANIC;
    enter_host();
  }
}

}  // namespace ring1::monitor
