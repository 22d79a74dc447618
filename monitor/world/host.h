// SPDX-License-Identifier: GPL-2.0-only
// The other world as the monitor sees it: a function call that may take a while (include/ring1/vcpu_shared.h).
#pragma once

#include <cstdint>

#include "include/ring1/switch.h"
#include "include/ring1/vcpu_shared.h"
#include "monitor/world/debug_registers.h"
#include "monitor/world/system_call_registers.h"

namespace ring1::monitor {

// What the host may ask for while the monitor waits for an answer of its own.
class CommandHandler {
 public:
  virtual int command(ring1_command command) = 0;  // 0 or -errno
  virtual void leaving_for_user() = 0;             // user space may look at everything now
  virtual void time_stood(uint64_t cycles) = 0;    // of the processor's TSC, since the last call
  // Guest memory that is no longer the guest's, in the middle of anything: it must not be touched any more.
  virtual void withdrawn(const ring1_withdrawn& pages) = 0;

 protected:
  ~CommandHandler() = default;
};

class Host {
 public:
  Host(ring1_switch& page, ring1_vcpu_shared& shared);

  void set_command_handler(CommandHandler* handler) { handler_ = handler; }

  // Switches to the host with a request and returns when the host says RUN; other commands are served in between.
  void request(ring1_request kind);

  void exit_to_user(uint32_t reason);

  // Was the host visited since the last call? Then anything may have happened there.
  bool take_visited() {
    const bool visited = visited_;
    visited_ = false;
    return visited;
  }
  bool visited() const { return visited_; }
  // Does a request for guest pages wait for its answer? That may be made from the middle of anything.
  bool asking_for_pages() const { return asking_; }
  // How often the host has been visited.
  uint64_t visits() const { return visits_; }
  // TSC spent away from the monitor since the last call.
  uint64_t take_absence() {
    const uint64_t absence = absence_;
    absence_ = 0;
    return absence;
  }

  // Has the latest visit withdrawn some of these guest pages?
  bool withdrew(uint64_t gfn, uint64_t count) const;

  // Interrupts are off in the monitor. Whoever works in a loop says how many instructions a turn of it takes, rather too
  // many; when the host's interrupts have waited for kPatience of them they get their turn. No command is served there,
  // but guest memory may go as at any visit: what the caller holds stays good, except pointers to that. Not between the
  // loading of the guest's registers and its entry.
  void work(unsigned instructions) {
    patience_ -= static_cast<int>(instructions);
    if (patience_ < 0) [[unlikely]]
      poll();
  }
  // At an instruction boundary it is better to go to the host for everything.
  bool impatient() const { return patience_ < kPatience / 4; }
  // The guest is entered: interrupts strike there. And it is left again.
  void stay_ends(uint64_t tsc) {
    note_stay(tsc);
    patient();
  }
  // The guest goes on at once, and was only just left.
  void patient() { patience_ = kPatience; }
  void stay_begins(uint64_t tsc) { began_ = tsc; }

  [[noreturn]] void die();

  // Gets `count` zeroed pages at most; returns how many. Their addresses are in pages()[i] until the next call.
  unsigned pages(unsigned count);
  uint64_t page_hpa(unsigned index) const { return shared_.pages.hpa[index]; }

  DebugRegisters& debug_registers() { return debug_registers_; }
  SystemCallRegisters& system_call_registers() { return system_call_registers_; }
  ring1_switch& switch_page() { return page_; }
  ring1_vcpu_shared& shared() { return shared_; }

  void* pointer(uint64_t hpa) const { return reinterpret_cast<void*>(page_.direct_map + hpa); }

 private:
  void serve();
  void enter_host();
  void poll();
  void note_stay(uint64_t tsc) {
    if (tsc - began_ > shared_.stats.longest_stay) shared_.stats.longest_stay = tsc - began_;
  }

  static constexpr int kPatience = 30000;

  ring1_switch& page_;
  ring1_vcpu_shared& shared_;
  CommandHandler* handler_ = nullptr;
  DebugRegisters debug_registers_;
  SystemCallRegisters system_call_registers_;
  bool visited_ = true, asking_ = false;
  uint64_t visits_ = 0;
  uint64_t absence_ = 0;
  int patience_ = kPatience;
  uint64_t began_;        // TSC when the monitor was entered from either side
  uint64_t stopped_ = 0;  // of shared_.stopped_cycles, passed on
};

}  // namespace ring1::monitor
