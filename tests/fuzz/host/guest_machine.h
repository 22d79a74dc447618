// SPDX-License-Identifier: GPL-2.0-only
// A VM with one vCPU and memory at 0, made anew as often as it dies.
#pragma once

#include <linux/kvm.h>

#include <cstddef>
#include <cstdint>

namespace ring1::fuzz {

class GuestMachine {
 public:
  GuestMachine(unsigned long machine_type, size_t memory_size);
  GuestMachine(const GuestMachine&) = delete;

  // False: the kernel does not want to, as another process was killed, say.
  bool create(bool chips, bool log_dirty);
  void destroy();
  bool is_there() const { return vcpu >= 0; }
  // Flat protected mode without paging, at `eip`.
  void start(uint32_t eip, uint32_t esp);
  // 0 or -errno of KVM_RUN.
  long run() const;

  int vm = -1, vcpu = -1;
  kvm_run* shared = nullptr;
  uint8_t* const memory;
  const size_t size;

 private:
  const unsigned long type_;
  const int device_;
  size_t shared_size_ = 0;
};

}  // namespace ring1::fuzz
