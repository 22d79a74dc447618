// SPDX-License-Identifier: GPL-2.0-only
// A device that speaks the KVM API: /dev/ring1, /dev/kvm.
#pragma once

#include <linux/kvm.h>

#include <optional>
#include <string>
#include <vector>

#include "include/ring1/api.h"
#include "vmm/unique_fd.h"

namespace ring1::vmm {

// What --engine takes, with the machine type of each (include/ring1/api.h).
struct EngineName {
  const char* name;
  ring1_engine engine;
  unsigned long type;
};
inline constexpr EngineName kEngineNames[] = {
    {"bt", RING1_ENGINE_BT, RING1_VM_TYPE(RING1_ENGINE_BT)},
    {"svm", RING1_ENGINE_SVM, RING1_VM_TYPE(RING1_ENGINE_SVM)},
    {"svm-shadow", RING1_ENGINE_SVM, RING1_VM_TYPE(RING1_ENGINE_SVM) | RING1_VM_SHADOW_PAGING},
    {"vmx", RING1_ENGINE_VMX, RING1_VM_TYPE(RING1_ENGINE_VMX)},
    {"vmx-shadow", RING1_ENGINE_VMX, RING1_VM_TYPE(RING1_ENGINE_VMX) | RING1_VM_SHADOW_PAGING},
};

class KvmSystem {
 public:
  // Opens it and checks the version and what the tool cannot do without.
  explicit KvmSystem(const std::string& path);

  const std::string& path() const { return path_; }
  int capability(long number) const;
  // active_time: virtual time stands while the VM does not run. engine: empty for the device's choice, else a name of
  // kEngineNames. Throws a Failure that says why not.
  UniqueFd create_vm(const std::string& engine, bool active_time = false) const;
  size_t vcpu_mapping_size() const;
  // For this VM, where the device makes a difference between VMs.
  std::vector<kvm_cpuid_entry2> supported_cpuid(int vm) const;
  // The model-specific registers that a guest's state has.
  std::vector<uint32_t> msr_indices() const;
  // Nothing if the device has no choice of engines.
  std::optional<ring1_engine_info> engine_info(ring1_engine engine) const;

 private:
  std::string path_;
  UniqueFd fd_;
};

}  // namespace ring1::vmm
