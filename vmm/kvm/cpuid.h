// SPDX-License-Identifier: GPL-2.0-only
// What the guest's CPUID says: the device's offer, made a machine with one processor, and levelled where the guest
// shall be able to move to other engines.
#pragma once

#include <linux/kvm.h>

#include <string>
#include <vector>

#include "vmm/kvm/system.h"

namespace ring1::vmm {

using Cpuid = std::vector<kvm_cpuid_entry2>;

// Of what this VM offers. KVM's paravirtual clock and an invariant TSC exclude each other: a guest that has both would
// count by the TSC, and go wrong where that runs at another rate, as after a migration.
Cpuid guest_cpuid(const KvmSystem& system, int vm, bool kvmclock);

// Takes away what `other` does not have: feature bits, widths of addresses.
void level(Cpuid& cpuid, const Cpuid& other);

// guest_cpuid(), levelled to what each of these engines offers on this machine.
Cpuid levelled_cpuid(const KvmSystem& system, int vm, const std::vector<std::string>& engines, bool kvmclock);

// Either of the two; see above.
void choose_clock(Cpuid& cpuid, bool kvmclock);

// The features of `cpuid` that `offered` lacks, as leaf.register.bit, or empty.
std::string missing_features(const Cpuid& cpuid, const Cpuid& offered);

}  // namespace ring1::vmm
