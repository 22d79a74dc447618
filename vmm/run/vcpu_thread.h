// SPDX-License-Identifier: GPL-2.0-only
// The thread that lives in KVM_RUN and serves its exits.
#pragma once

#include <pthread.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "vmm/run/machine.h"

namespace ring1::vmm {

class VcpuThread {
 public:
  // `ended` is called in the thread when the machine has finished.
  VcpuThread(Machine& machine, std::function<void()> ended);
  ~VcpuThread();

  // Ends the run from outside: the vCPU leaves the guest at the next instruction boundary.
  void stop(Outcome outcome);
  void join();

  // Brings the vCPU out of the guest, with every answer of a device taken; true: it stands, until resume(). False: the
  // run has ended meanwhile.
  bool pause();
  void resume();

 private:
  void stand_still();
  void kick();
  void loop();
  void serve_exit();
  void serve_io();
  void serve_mmio();
  void died(const std::string& reason, bool internal = false);
  std::string describe_internal_error() const;

  Machine& machine_;
  std::function<void()> ended_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool pause_wanted_ = false, interrupted_ = false, paused_ = false, ended_running_ = false;
  std::thread thread_;
};

}  // namespace ring1::vmm
