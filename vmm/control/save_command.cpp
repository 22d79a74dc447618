// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>

#include "vmm/control/channel.h"
#include "vmm/control/commands.h"
#include "vmm/failure.h"

namespace ring1::vmm {

int save_command(const SaveOptions& options) {
  const UniqueFd guest = connect_control(options.pid);
  // The guest's process has another working directory. The path comes last, as it may hold anything but a newline.
  const std::string path = std::filesystem::absolute(options.file).string();
  if (path.find('\n') != std::string::npos) throw usage_failure("the file's name holds a newline");
  write_line(guest.get(),
             fmt::format("save{}{} {}", options.keep ? " keep" : "", options.verify ? " verify" : "", path));
  const auto answer = read_line(guest.get());
  if (!answer)
    throw Failure(kExitEnvironment, fmt::format("the guest of process {} ended without an answer", options.pid));
  if (!answer->starts_with("ok")) throw Failure(kExitEnvironment, *answer);
  fmt::print("{}\n", answer->substr(answer->find(' ') + 1));
  return kExitSuccess;
}

}  // namespace ring1::vmm
