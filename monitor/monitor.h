// SPDX-License-Identifier: GPL-2.0-only
// The monitor of one vCPU: everything it owns, in the order in which it comes to life.
#pragma once

#include "include/ring1/vcpu_shared.h"
#include "monitor/devices.h"
#include "monitor/engine.h"
#include "monitor/guest_memory.h"
#include "monitor/host.h"
#include "monitor/log.h"
#include "monitor/machine.h"
#include "monitor/narrow_stack.h"
#include "monitor/page_pool.h"
#include "monitor/segments.h"
#include "monitor/tc_memory.h"
#include "monitor/trap_block.h"
#include "monitor/withdrawals.h"
#include "shadowmmu/mmu.h"

namespace ring1::monitor {

class Monitor final : public CommandHandler, public shadowmmu::Tlb, public shadowmmu::Listener {
 public:
  explicit Monitor(ring1_switch& page);

  // Never returns: the host abandons the stack when the vCPU goes.
  [[noreturn]] void run();

  // User space has written ring1_cpu_state where that could not be acted upon, since the last call.
  bool take_state_written() {
    const bool late = state_written_late_;
    state_written_late_ = false;
    return late;
  }
  // Registers, guest code, the engine's own view, into the log.
  void dump();

  int command(ring1_command command) override;
  void leaving_for_user() override { engine().publish_stats(); }
  void time_stood(uint64_t cycles) override;
  void withdrawn(const ring1_withdrawn& pages) override;
  void flush_page(Gva page) override;
  void flush_all() override;
  void code_written(Gpa where, unsigned size) override;
  void code_mapping_changed(Gpa entry) override;
  void code_table_lost(Gpa page) override;
  void worked(unsigned instructions) override { host.work(instructions); }

  ring1_vcpu_shared& shared;
  ring1_cpu_state& cpu;
  Host host;
  Log log;
  // An NMI that strikes while the trap stub's stack pointer is in the block pushes its frame below it.
  uint8_t room_for_nmi[256] = {};
  TrapBlock block{};
  PagePool pool;
  GuestMemory memory;
  Withdrawals withdrawals;
  shadowmmu::ShadowMmu mmu;
  TcMemory tc_memory;
  NarrowStack narrow_stack;
  Devices devices;
  Machine machine;
  Engine& engine() { return *engine_; }

 private:
  Engine* make_engine();

  // The engine that the configuration names lives here, as there is no heap (engine_storage.cpp).
  static constexpr size_t kEngineBytes = 96 << 10;
  alignas(64) unsigned char engine_storage_[kEngineBytes];
  Engine* engine_;
  bool state_written_late_ = false;
};

}  // namespace ring1::monitor
