// SPDX-License-Identifier: GPL-2.0-only
// The one virtual processor and the memory it shares with the kernel.
#pragma once

#include <string>
#include <vector>

#include "vmm/boot/image.h"
#include "vmm/kvm/system.h"
#include "vmm/kvm/vm.h"

namespace ring1::vmm {

class KvmVcpu {
 public:
  KvmVcpu(const KvmSystem& system, const KvmVm& vm, const std::vector<kvm_cpuid_entry2>& cpuid);
  ~KvmVcpu();
  KvmVcpu(const KvmVcpu&) = delete;
  KvmVcpu& operator=(const KvmVcpu&) = delete;

  int fd() const { return fd_.get(); }
  kvm_run& shared() const { return *run_; }

  // Registers as StartState promises them. Also writes the descriptor table into guest memory.
  void start_at(const StartState& state, GuestMemory& memory);

  std::vector<kvm_cpuid_entry2> cpuid() const;
  uint32_t tsc_khz() const;  // 0: not told

  // 0, or -errno of KVM_RUN.
  int run();

  // Registers in a few lines, for the report of a dead VM.
  std::string describe() const;

 private:
  void set_cpuid(const std::vector<kvm_cpuid_entry2>& cpuid);
  void set_memory_types();
  void set_virtual_wire();

  UniqueFd fd_;
  size_t mapping_size_;
  kvm_run* run_;
};

}  // namespace ring1::vmm
