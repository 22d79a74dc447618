// SPDX-License-Identifier: GPL-2.0-only
// The running guests as debugfs shows them: the module's directory, and KVM's where that runs them. Each
// guest is a directory PID-FD with a file `stats` of lines "name value" (ring1), or a file per counter (KVM).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ring1::vmm {

struct GuestCounters {
  std::vector<std::pair<std::string, uint64_t>> values;
  std::optional<uint64_t> find(const std::string& name) const;
};

struct RunningGuest {
  int pid;
  int fd;
  std::string engine;  // "ring1" or "kvm"
  std::string directory;
};

// `root` is the mount point of debugfs.
std::vector<RunningGuest> running_guests(const std::string& root);
// Mounts debugfs where it usually is if it is not mounted; then the guests there. Throws if it cannot be read.
std::vector<RunningGuest> running_guests();

// What the monitor has logged, line by line; a guest may have had a hand in it, so what is not printable is a
// dot. Nothing if there is no such file.
std::optional<std::vector<std::string>> read_log(const RunningGuest& guest);
std::vector<std::string> printable_lines(const std::string& text);

GuestCounters read_counters(const RunningGuest& guest);
GuestCounters parse_counters(const std::string& text);

}  // namespace ring1::vmm
