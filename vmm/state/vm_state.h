// SPDX-License-Identifier: GPL-2.0-only
// What the kernel side keeps for the whole machine: interrupt controllers, timer, clock.
#pragma once

#include <linux/kvm.h>

#include <array>
#include <optional>

#include "vmm/kvm/system.h"
#include "vmm/state/archive.h"

namespace ring1::vmm {

struct VmState {
  std::array<kvm_irqchip, KVM_NR_IRQCHIPS> chips{};
  kvm_pit_state2 pit{};
  std::optional<kvm_clock_data> clock;  // of guests that use kvmclock

  static VmState read(const KvmSystem& system, int vm);
  void write(const KvmSystem& system, int vm) const;

  static constexpr uint32_t kVersion = 1;
  void save(SectionWriter& out) const;
  static VmState restore(SectionReader& in);
};

}  // namespace ring1::vmm
