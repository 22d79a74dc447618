// SPDX-License-Identifier: GPL-2.0-only
#include "no_memory.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace ring1::ioctl_test {
namespace {

constexpr char kModule[] = "/proc/no_memory", kLinux[] = "/proc/thread-self/fail-nth";

}  // namespace

NoMemory::NoMemory(How how) : how_(how), file_(open(kModule, O_RDWR | O_CLOEXEC)) {
  if (file_ < 0 && how == kOnce) file_ = open(kLinux, O_RDWR | O_CLOEXEC);
  SKIP_UNLESS(file_ >= 0, "neither fault injection in this kernel nor tests/kernel/no_memory.c");
}

NoMemory::~NoMemory() { close(file_); }

void NoMemory::arm(unsigned n) const {
  char text[16];
  const int size = std::snprintf(text, sizeof text, "%u%s", n, n && how_ == kFromThenOn ? "+" : "");
  CHECK_EQ(pwrite(file_, text, static_cast<size_t>(size), 0), size);
}

bool NoMemory::disarm() const {
  char text[16] = {};
  const long size = pread(file_, text, sizeof text - 1, 0);
  arm(0);
  return size > 0 && std::atoi(text) == 0;
}

bool is_clean_failure(long result) {
  return result == 0 || result == -ENOMEM || result == -EFAULT || result == -ENFILE || result == -EAGAIN;
}

}  // namespace ring1::ioctl_test
