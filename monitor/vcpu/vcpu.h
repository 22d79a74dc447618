// SPDX-License-Identifier: GPL-2.0-only
// One virtual processor: its registers, the machine around its instructions, and the engine that runs it; and what the
// host may ask of it at any visit.
#pragma once

#include "monitor/board/board.h"
#include "monitor/vcpu/engine.h"
#include "monitor/vcpu/machine.h"
#include "monitor/vcpu/withdrawals.h"
#include "monitor/world/world.h"

namespace ring1::monitor {

class Vcpu final : private CommandHandler, private Witness {
 public:
  // Makes one at `memory`. It may bind itself to all of the vCPU, but use nothing yet.
  using MakeEngine = Engine&(Vcpu& vcpu, void* memory);

  Vcpu(World& world, Board& board, MakeEngine* make_engine, void* memory);

  // Never returns: the host abandons the stack when the vCPU goes.
  [[noreturn]] void run();

  // User space has written ring1_cpu_state where that could not be acted upon, since the last call.
  bool take_state_written() {
    const bool late = state_written_late_;
    state_written_late_ = false;
    return late;
  }
  // Registers, guest code, the engine's own view, into the log.
  void dump() override;

  Host& host;
  Log& log;
  PagePool& pool;
  ring1_vcpu_shared& shared;
  ring1_cpu_state& cpu;
  GuestMemory& memory;
  Devices& devices;
  Withdrawals withdrawals;

 private:
  // Witness
  uint64_t monitor_rsp() const override { return engine_.monitor_rsp(); }
  // CommandHandler
  int command(ring1_command command) override;
  void leaving_for_user() override { engine_.publish_stats(); }
  void time_stood(uint64_t cycles) override;
  void withdrawn(const ring1_withdrawn& pages) override;

  Engine& engine_;
  bool state_written_late_ = false;

 public:
  Machine machine;
};

}  // namespace ring1::monitor
