// SPDX-License-Identifier: GPL-2.0-only
// The argument of an ioctl: what is in it, and where it lies.
#pragma once

#include <linux/ioctl.h>

#include "worker.h"

namespace ring1::fuzz {

// An ioctl with one structure. getter: what gives a valid one, or 0.
struct Call {
  const char* name;
  unsigned long number, getter;
  void (*fill)(Worker& worker, uint8_t* bytes, size_t size);  // null: made of the getter's answer, or of odd numbers
};

void make_call(Worker& worker, int fd, const Call& call, size_t size);
inline void make_call(Worker& worker, int fd, const Call& call) { make_call(worker, fd, call, _IOC_SIZE(call.number)); }

// The ioctl itself, by either of the kernel's gates, at times from 32-bit code.
long request(Worker& worker, const char* name, int fd, unsigned long number, uint64_t argument);
void fill_odd(Worker& worker, uint8_t* bytes, size_t size);

}  // namespace ring1::fuzz
