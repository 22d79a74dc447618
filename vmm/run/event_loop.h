// SPDX-License-Identifier: GPL-2.0-only
// The main thread's part of a run: console, real-time clock, time-out and signals.
#pragma once

#include <cstdint>
#include <optional>

#include "vmm/run/console.h"
#include "vmm/run/escape.h"
#include "vmm/run/machine.h"
#include "vmm/run/vcpu_thread.h"

namespace ring1::vmm {

// Blocks the signals that end a run, in all threads made from here on, and hands them out as a descriptor.
class EndingSignals {
 public:
  EndingSignals();
  int fd() const { return fd_.get(); }
  int take() const;  // the number of the signal that came

 private:
  UniqueFd fd_;
};

class EventLoop {
 public:
  // deadline: on the monotonic clock.
  EventLoop(Console& console, EndingSignals& signals, std::optional<uint64_t> deadline);

  // Runs one machine to its end.
  Outcome run(const KvmSystem& system, const MachineConfig& config, const std::optional<std::string>& stats_json);

 private:
  void wait(Machine& machine, VcpuThread& thread);
  int wait_milliseconds(std::optional<int64_t> until_clock, bool wants_input) const;
  void take_input(Machine& machine, VcpuThread& thread);
  void wake() const;

  Console& console_;
  EndingSignals& signals_;
  std::optional<uint64_t> deadline_;
  std::optional<uint64_t> flush_at_;
  EscapeFilter escape_;
  UniqueFd wake_;
};

}  // namespace ring1::vmm
