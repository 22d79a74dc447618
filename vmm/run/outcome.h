// SPDX-License-Identifier: GPL-2.0-only
// How a run ended.
#pragma once

#include <string>
#include <vector>

namespace ring1::vmm {

struct Outcome {
  enum class Kind { power_off, reset, debug_exit, died, timed_out, user_quit, signal, saved };
  Kind kind = Kind::power_off;
  int code = 0;           // debug_exit: the status; signal: its number
  std::string reason;     // died: one line
  std::string details;    // died: registers
  bool internal = false;  // died: by our fault, not the guest's
  std::vector<std::string> monitor_log;
};

}  // namespace ring1::vmm
