// SPDX-License-Identifier: GPL-2.0-only
// System calls that use nothing of the C library's, for a thread whose segments are not what the library expects.
#pragma once

namespace ring1::ioctl_test {

[[gnu::always_inline]] inline long raw_call(long number, long a, long b = 0, long c = 0) {
  long result;
  asm volatile("syscall" : "=a"(result) : "0"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}

// By the gate of 32-bit programs: numbers and structures are those of i386, pointers lie below 4 GiB.
[[gnu::always_inline]] inline long raw_call32(long number, long a) {
  long result;
  asm volatile("int $0x80" : "=a"(result) : "0"(number), "b"(a) : "r8", "r9", "r10", "r11", "memory");
  return result;
}

}  // namespace ring1::ioctl_test
