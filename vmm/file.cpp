// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/failure.h"
#include "vmm/unique_fd.h"

namespace ring1::vmm {

namespace {

// No image of a machine with at most 3 GiB is larger.
constexpr off_t kLargestFile = off_t{3} << 30;

}  // namespace

Bytes read_input_file(const std::string& what, const std::string& path) {
  auto fail = [&](const std::string& why) { return usage_failure(what + " " + path + ": " + why); };
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0) throw fail(std::strerror(errno));
  if (!S_ISREG(status.st_mode)) throw fail("not a regular file");
  if (status.st_size > kLargestFile) throw fail("too large for any guest");

  Bytes bytes(static_cast<size_t>(status.st_size));
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::read(fd.get(), bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw fail(std::strerror(errno));
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  bytes.resize(done);
  return bytes;
}

std::optional<std::string> read_text(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return std::nullopt;
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof(buffer));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::nullopt;
    if (n == 0) return text;
    text.append(buffer, static_cast<size_t>(n));
  }
}

}  // namespace ring1::vmm
