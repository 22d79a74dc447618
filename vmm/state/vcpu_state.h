// SPDX-License-Identifier: GPL-2.0-only
// The virtual processor as the KVM API shows it.
#pragma once

#include <linux/kvm.h>

#include <optional>
#include <vector>

#include "vmm/kvm/system.h"
#include "vmm/state/archive.h"

namespace ring1::vmm {

// struct kvm_xsave without the flexible array at its end, which no C++ container takes.
struct XsaveArea {
  uint32_t region[1024];
};

struct VcpuState {
  kvm_regs regs{};
  kvm_sregs sregs{};
  kvm_fpu fpu{};
  kvm_lapic_state lapic{};
  kvm_mp_state mp_state{};
  kvm_vcpu_events events{};
  kvm_debugregs debugregs{};
  std::vector<kvm_msr_entry> msrs;
  // Only from a device that has XSAVE.
  std::optional<XsaveArea> xsave;
  std::optional<kvm_xcrs> xcrs;
  uint32_t tsc_khz = 0;

  // The vCPU stands outside KVM_RUN with no answer owed to it.
  static VcpuState read(const KvmSystem& system, int vcpu);
  // The CPUID was set already, and the interrupt controllers.
  void write(const KvmSystem& system, int vcpu) const;

  static constexpr uint32_t kVersion = 1;
  void save(SectionWriter& out) const;
  static VcpuState restore(SectionReader& in);
};

}  // namespace ring1::vmm
