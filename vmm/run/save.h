// SPDX-License-Identifier: GPL-2.0-only
// Saves a running machine into a file. Most of the memory is copied while it runs; it stands still only for what it
// wrote meanwhile and for its state.
#pragma once

#include <string>

#include "vmm/run/vcpu_thread.h"

namespace ring1::vmm {

struct SaveRequest {
  std::string path;
  bool keep = false;    // the guest goes on; else its run ends
  bool verify = false;  // compare the file with the memory before the guest goes on
};

// "save [keep] [verify] PATH", without the first word. Throws a Failure.
SaveRequest parse_save_request(const std::string& words);

// What was done, for the user. Throws a Failure; the guest goes on then.
std::string save_machine(const KvmSystem& system, Machine& machine, VcpuThread& thread, const SaveRequest& request);

}  // namespace ring1::vmm
