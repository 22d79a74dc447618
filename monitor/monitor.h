// SPDX-License-Identifier: GPL-2.0-only
// The monitor of one vCPU: everything it owns, in the order in which it comes to life.
#pragma once

#include "include/ring1/vcpu_shared.h"
#include "monitor/bt_engine.h"
#include "monitor/devices.h"
#include "monitor/guest_memory.h"
#include "monitor/host.h"
#include "monitor/log.h"
#include "monitor/machine.h"
#include "monitor/narrow_stack.h"
#include "monitor/page_pool.h"
#include "monitor/segments.h"
#include "monitor/tc_memory.h"
#include "monitor/trap_block.h"
#include "shadowmmu/mmu.h"
#include "tcache/translation_cache.h"

namespace ring1::monitor {

class Monitor final : public CommandHandler, public shadowmmu::Tlb, public shadowmmu::Listener {
 public:
  explicit Monitor(ring1_switch& page);

  // Never returns: the host abandons the stack when the vCPU goes.
  [[noreturn]] void run();

  // Registers, guest EIP, the fragment's guest and translated code, into the log.
  void dump();

  int command(ring1_command command) override;
  void leaving_for_user() override { engine.publish_stats(); }
  void flush_page(Gva page) override;
  void flush_all() override;
  void code_written(Gpa where, unsigned size) override;
  void code_mapping_changed(Gpa entry) override;
  void code_table_lost(Gpa page) override;

  ring1_vcpu_shared& shared;
  ring1_cpu_state& cpu;
  Host host;
  Log log;
  // An NMI that strikes while the trap stub's stack pointer is in the block pushes its frame below it.
  uint8_t room_for_nmi[256] = {};
  TrapBlock block{};
  PagePool pool;
  GuestMemory memory;
  shadowmmu::ShadowMmu mmu;
  TcMemory tc_memory;
  NarrowStack narrow_stack;
  bool flush_wanted = false;  // of the whole TLB, before the next entry into the guest
  Devices devices;
  Machine machine;
  BtEngine engine;
};

}  // namespace ring1::monitor
