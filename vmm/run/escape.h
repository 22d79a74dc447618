// SPDX-License-Identifier: GPL-2.0-only
// The escape key of the interactive console, Ctrl-A as in QEMU.
#pragma once

#include <cstdint>
#include <optional>

namespace ring1::vmm {

enum class ConsoleCommand { quit, statistics, help };

struct EscapeResult {
  std::optional<uint8_t> byte;  // for the guest
  std::optional<ConsoleCommand> command;
};

class EscapeFilter {
 public:
  EscapeResult feed(uint8_t byte);

 private:
  bool escaped_ = false;
};

inline constexpr const char* kEscapeHelp =
    "Ctrl-A x  end the run\r\n"
    "Ctrl-A s  statistics\r\n"
    "Ctrl-A h  this help\r\n"
    "Ctrl-A Ctrl-A  send Ctrl-A to the guest\r\n";

}  // namespace ring1::vmm
