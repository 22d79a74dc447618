// SPDX-License-Identifier: GPL-2.0-only
// Allocations of the host kernel that fail for the calling thread: by Linux' own fault injection (fail-nth, where the kernel has
// it), or by tests/kernel/no_memory.c.
#pragma once

#include <cstdio>

#include "check.h"

namespace ring1::ioctl_test {

class NoMemory {
 public:
  enum How { kOnce, kFromThenOn };
  explicit NoMemory(How how);  // throws Skip where the kernel cannot
  NoMemory(const NoMemory&) = delete;
  ~NoMemory();

  // The n-th allocation from now on fails, n >= 1; with kFromThenOn all behind it as well.
  void arm(unsigned n) const;
  // Whether one has failed. Nothing fails any more.
  bool disarm() const;

 private:
  const How how_;
  int file_;
};

// 0 or -errno of something that failed because it got no memory: its own complaint, or that of the part of Linux it asked.
bool is_clean_failure(long result);

// Runs step() with its first allocation failing, then with its second, until it asks for no more, `stride` from one to the next.
// Step: long(), 0 or -errno. How many failed; ends with the first failure that is no clean one.
template <class Step>
unsigned fail_each(NoMemory::How how, const char* name, Step step, unsigned stride = 1) {
  const NoMemory memory(how);
  long result = step();
  if (!check_equal(result, 0, __FILE__, __LINE__, name)) return 0;
  unsigned refused = 0, n = 1;
  for (;; n += stride) {
    restart_alarm();
    memory.arm(n);
    result = step();
    if (!memory.disarm()) break;
    refused += result != 0;
    if (!is_clean_failure(result)) {
      std::printf("  allocation %u of it\n", n);
      check_equal(result, 0, __FILE__, __LINE__, name);
      return 0;
    }
  }
  std::printf("  %s: %u allocations failed, it failed with %u\n", name, (n - 1) / stride, refused);
  check_equal(result, 0, __FILE__, __LINE__, name);
  return (n - 1) / stride;
}

}  // namespace ring1::ioctl_test
