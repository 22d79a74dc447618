// SPDX-License-Identifier: GPL-2.0-only
// Which pages the guest has written since one last asked, for as long as this object lives.
#pragma once

#include <cstdint>
#include <vector>

#include "vmm/kvm/vm.h"

namespace ring1::vmm {

class DirtyLog {
 public:
  struct Run {
    uint64_t offset, size;  // bytes
  };

  DirtyLog(const KvmVm& vm, const GuestMemory& memory);
  ~DirtyLog();
  DirtyLog(const DirtyLog&) = delete;
  DirtyLog& operator=(const DirtyLog&) = delete;

  std::vector<Run> take();

 private:
  const KvmVm& vm_;
  const GuestMemory& memory_;
};

}  // namespace ring1::vmm
