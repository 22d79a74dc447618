// SPDX-License-Identifier: GPL-2.0-only
// How the tool speaks to a guest that another process of it runs: a socket in the abstract namespace, named after the
// process, so that nothing is left behind when that is killed. One line asks, one line answers.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "vmm/unique_fd.h"

namespace ring1::vmm {

// Listens for this process' guest. Invalid if the socket cannot be had. Does not block, and what it accepts neither.
UniqueFd listen_for_control();
// The next client, if it is this user or root; else it is turned away.
UniqueFd accept_control(int listener);
// To the guest of a process that belongs to this user or to root. Throws a Failure.
UniqueFd connect_control(int pid);

inline constexpr size_t kLongestLine = 8192;

// Up to a newline; nothing if the other side went away or says too much. Waits for it.
std::optional<std::string> read_line(int fd);
bool write_line(int fd, std::string_view line);

}  // namespace ring1::vmm
