// SPDX-License-Identifier: GPL-2.0-only
// The guest's system data as an engine sees them that keeps something derived from it: descriptor tables and their
// shadows.
#pragma once

#include "base/address.h"

namespace ring1::monitor {

class GuestReader {
 public:
  // Copies supervisor data from guest linear memory without side effects; false: not mapped or not RAM.
  // Sets *page to the physical page.
  virtual bool read_system(Gva from, void* to, unsigned size, Gpa* page) = 0;
  virtual void trace_descriptors(Gpa page, bool on) = 0;

 protected:
  ~GuestReader() = default;
};

// Told of each store of the monitor to the guest's RAM, for the guest or for itself, in the middle of an instruction.
class StoreWatcher {
 public:
  virtual void stored(Gpa where, unsigned size) = 0;

 protected:
  ~StoreWatcher() = default;
};

}  // namespace ring1::monitor
