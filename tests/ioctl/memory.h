// SPDX-License-Identifier: GPL-2.0-only
// A guest whose second slot is memory of the test's own making, and ways to look at both from the other side.
#pragma once

#include <linux/userfaultfd.h>

#include "machine.h"

namespace ring1::ioctl_test {

// Flat protected mode; a slot at 4 MiB for the memory that a test plays with. Between two exits the guest reads the
// slot's first word, tells it at port 0x80, writes kMark into the second word, and says so at port 0x81.
class Watcher : public RealMode {
 public:
  static constexpr uint32_t kBase = 0x400000, kMark = 0x474e4952;
  Watcher();
  long attach(void* memory, size_t size) const;
  long detach() const;

  // Runs to the port: true, or false for any other end of KVM_RUN.
  bool runs_to(uint16_t port);
  // What the guest reads; kNothing: it could not.
  static constexpr int64_t kNothing = -1;
  int64_t reads();
  bool writes() { return runs_to(0x81); }
};

// Private memory that makes who touches it wait for the test (userfaultfd).
class Waiting {
 public:
  static constexpr size_t kSize = 16 * 4096;
  Waiting();
  Waiting(const Waiting&) = delete;
  ~Waiting();
  uint8_t* late() const { return data_; }
  // Waits until somebody touches it. False: nobody did within ten seconds.
  bool touched() const;
  void supply() const;  // zeroes, to all who wait
  void unmap();

 private:
  uint8_t* data_;
  int fd_;
};

// Runs `function` in a process of its own with this one's memory and descriptors.
class Sharer {
 public:
  explicit Sharer(int (*function)(void*), void* argument);
  Sharer(const Sharer&) = delete;
  ~Sharer() { end(); }
  void kill() const;
  void end();  // waits for it

 private:
  alignas(16) char stack_[65536];
  int pid_;
};

long free_memory();  // of the machine, in KiB

}  // namespace ring1::ioctl_test
