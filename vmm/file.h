// SPDX-License-Identifier: GPL-2.0-only
// Whole files, read at once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ring1::vmm {

using Bytes = std::vector<uint8_t>;

// A file named on the command line: what is wrong with it is the user's mistake (kExitUsage).
Bytes read_input_file(const std::string& what, const std::string& path);

// A file of /proc, /sys or debugfs; nothing if it cannot be read.
std::optional<std::string> read_text(const std::string& path);

}  // namespace ring1::vmm
