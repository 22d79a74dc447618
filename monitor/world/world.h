// SPDX-License-Identifier: GPL-2.0-only
// What the monitor of one vCPU stands on: its host, its log, its pages. It knows no guest.
#pragma once

#include "monitor/world/host.h"
#include "monitor/world/log.h"
#include "monitor/world/page_pool.h"

namespace ring1::monitor {

// What a panic asks for besides the monitor's own registers.
class Witness {
 public:
  // The guest, into the log. Changes nothing.
  virtual void dump() = 0;
  // Where the monitor's stack goes on while RSP is somewhere else; 0: it never is.
  virtual uint64_t monitor_rsp() const = 0;

 protected:
  ~Witness() = default;
};

struct World {
  // To be found from the stack it is made on (panic.cpp).
  explicit World(ring1_switch& page);

  ring1_vcpu_shared& shared;
  Host host;
  Log log;
  PagePool pool;
  Witness* witness = nullptr;
};

}  // namespace ring1::monitor
