// SPDX-License-Identifier: GPL-2.0-only
// The thread that lives in KVM_RUN and serves its exits.
#pragma once

#include <pthread.h>

#include <functional>
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

 private:
  void loop();
  void serve_exit();
  void serve_io();
  void serve_mmio();
  void died(const std::string& reason, bool internal = false);
  std::string describe_internal_error() const;

  Machine& machine_;
  std::function<void()> ended_;
  std::thread thread_;
};

}  // namespace ring1::vmm
