// SPDX-License-Identifier: GPL-2.0-only
// A device that speaks the KVM API: /dev/ring1, /dev/kvm.
#pragma once

#include <linux/kvm.h>

#include <string>
#include <vector>

#include "vmm/unique_fd.h"

namespace ring1::vmm {

class KvmSystem {
 public:
  // Opens it and checks the version and what the tool cannot do without.
  explicit KvmSystem(const std::string& path);

  const std::string& path() const { return path_; }
  int capability(long number) const;
  UniqueFd create_vm() const;
  size_t vcpu_mapping_size() const;
  std::vector<kvm_cpuid_entry2> supported_cpuid() const;

 private:
  std::string path_;
  UniqueFd fd_;
};

}  // namespace ring1::vmm
