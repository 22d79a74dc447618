// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "machine.h"

namespace ring1::ioctl_test {

inline constexpr uint64_t kPage = 4096;

// A bit for each page of the slot; the log is empty afterwards.
inline long read_log(const Vm& vm, uint32_t slot, void* bitmap) {
  kvm_dirty_log log{};
  log.slot = slot;
  log.dirty_bitmap = bitmap;
  return vm.call(KVM_GET_DIRTY_LOG, &log);
}

}  // namespace ring1::ioctl_test
