// SPDX-License-Identifier: GPL-2.0-only
// The one exception of the tool: a line for the user and the exit status it ends with.
#pragma once

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace ring1::vmm {

enum ExitStatus : int {
  kExitSuccess = 0,
  kExitEnvironment = 1,  // the host lacks something: no device, no memory
  kExitUsage = 2,        // bad arguments or a bad image
  kExitTimeout = 124,
  kExitVmDied = 125,
};

class Failure : public std::runtime_error {
 public:
  Failure(int status, const std::string& line) : std::runtime_error(line), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

inline Failure usage_failure(const std::string& line) { return Failure(kExitUsage, line); }

// With the text of errno.
inline Failure system_failure(const std::string& what) {
  return Failure(kExitEnvironment, what + ": " + std::strerror(errno));
}

}  // namespace ring1::vmm
