// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/kvm/cpuid.h"

#include <asm/kvm_para.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "vmm/firmware/tables.h"

namespace ring1::vmm {

namespace {

constexpr uint32_t kHypervisorLeaf = 0x40000000;
constexpr uint32_t kHypervisorPresent = 1u << 31, kTscDeadlineTimer = 1 << 24;  // CPUID 1, ECX

// One processor with one core and one thread, whatever the host has.
void describe_topology(kvm_cpuid_entry2& entry) {
  constexpr uint32_t kCountShift = 16, kApicIdShift = 24, kHyperThreading = 1 << 28;
  switch (entry.function) {
    case 1:
      entry.ebx = (entry.ebx & 0xffff) | 1 << kCountShift | kBootProcessorApicId << kApicIdShift;
      entry.edx &= ~kHyperThreading;
      break;
    case 4:
      entry.eax &= 0x3fff;  // cores and threads that share the cache, less one
      break;
    case 0xb:
    case 0x1f:
      entry.edx = kBootProcessorApicId;
      entry.eax = 0;
      if (entry.ebx != 0) entry.ebx = 1;
      break;
    case 0x80000008: entry.ecx = 0; break;
    case 0x8000001e:
      entry.eax = kBootProcessorApicId;
      entry.ebx &= 0xff;
      entry.ecx = 0;
      break;
  }
}

// The registers that are sets of features, each bit on its own (SDM 2A CPUID; APM 3 appendix E).
struct FeatureRegister {
  uint32_t function, index;
  uint32_t kvm_cpuid_entry2::*value;
  const char* name;
};
constexpr FeatureRegister kFeatures[] = {
    {1, 0, &kvm_cpuid_entry2::ecx, "1.ecx"},
    {1, 0, &kvm_cpuid_entry2::edx, "1.edx"},
    {6, 0, &kvm_cpuid_entry2::eax, "6.eax"},
    {7, 0, &kvm_cpuid_entry2::ebx, "7.ebx"},
    {7, 0, &kvm_cpuid_entry2::ecx, "7.ecx"},
    {7, 0, &kvm_cpuid_entry2::edx, "7.edx"},
    {7, 1, &kvm_cpuid_entry2::eax, "7.1.eax"},
    {0xd, 0, &kvm_cpuid_entry2::eax, "d.eax"},
    {0xd, 1, &kvm_cpuid_entry2::eax, "d.1.eax"},
    {0x40000001, 0, &kvm_cpuid_entry2::eax, "40000001.eax"},
    {0x80000001, 0, &kvm_cpuid_entry2::ecx, "80000001.ecx"},
    {0x80000001, 0, &kvm_cpuid_entry2::edx, "80000001.edx"},
    {0x80000007, 0, &kvm_cpuid_entry2::edx, "80000007.edx"},
    {0x80000008, 0, &kvm_cpuid_entry2::ebx, "80000008.ebx"},
    {0x8000000a, 0, &kvm_cpuid_entry2::edx, "8000000a.edx"},
};
constexpr uint32_t kAddressLeaf = 0x80000008;
// CPUID 1 ECX: not of the processor but of the machine, or set by the processor as the guest goes.
constexpr uint32_t kOsXsave = 1u << 27;

template <class Entries>
auto* find(Entries& entries, uint32_t function, uint32_t index) {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const kvm_cpuid_entry2& entry) {
    return entry.function == function && (!(entry.flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) || entry.index == index);
  });
  return found == entries.end() ? nullptr : &*found;
}

uint32_t value_in(const Cpuid& cpuid, const FeatureRegister& feature) {
  const kvm_cpuid_entry2* entry = find(cpuid, feature.function, feature.index);
  uint32_t value = entry ? entry->*feature.value : 0;
  if (feature.function == 1 && feature.value == &kvm_cpuid_entry2::ecx)
    value &= ~(kHypervisorPresent | kTscDeadlineTimer | kOsXsave);
  return value;
}

// Bits 7:0 physical, 15:8 linear.
uint32_t narrower(uint32_t a, uint32_t b) {
  return std::min(a & 0xff, b & 0xff) | std::min(a >> 8 & 0xff, b >> 8 & 0xff) << 8;
}

}  // namespace

void choose_clock(Cpuid& cpuid, bool kvmclock) {
  constexpr uint32_t kFeatureLeaf = kHypervisorLeaf + 1, kPowerLeaf = 0x80000007;
  constexpr uint32_t kClockFeatures = 1u << KVM_FEATURE_CLOCKSOURCE | 1u << KVM_FEATURE_CLOCKSOURCE2 |
                                      1u << KVM_FEATURE_CLOCKSOURCE_STABLE_BIT | 1u << KVM_FEATURE_STEAL_TIME;
  constexpr uint32_t kInvariantTsc = 1u << 8;
  kvm_cpuid_entry2* features = find(cpuid, kFeatureLeaf, 0);
  if (!features) return;
  if (!kvmclock) features->eax &= ~kClockFeatures;
  if (!(features->eax & kClockFeatures)) return;
  if (kvm_cpuid_entry2* power = find(cpuid, kPowerLeaf, 0)) power->edx &= ~kInvariantTsc;
}

Cpuid guest_cpuid(const KvmSystem& system, int vm, bool kvmclock) {
  Cpuid entries = system.supported_cpuid(vm);
  const bool has_hypervisor_leaf = find(entries, kHypervisorLeaf, 0);
  for (kvm_cpuid_entry2& entry : entries) {
    describe_topology(entry);
    // KVM leaves it to user space to announce these two.
    if (entry.function != 1) continue;
    if (has_hypervisor_leaf) entry.ecx |= kHypervisorPresent;
    if (system.capability(KVM_CAP_TSC_DEADLINE_TIMER) > 0) entry.ecx |= kTscDeadlineTimer;
  }
  choose_clock(entries, kvmclock);
  return entries;
}

void level(Cpuid& cpuid, const Cpuid& other) {
  for (const FeatureRegister& feature : kFeatures)
    if (kvm_cpuid_entry2* entry = find(cpuid, feature.function, feature.index))
      entry->*feature.value &= value_in(other, feature) | (entry->*feature.value & ~value_in(cpuid, feature));
  kvm_cpuid_entry2* addresses = find(cpuid, kAddressLeaf, 0);
  const kvm_cpuid_entry2* other_addresses = find(other, kAddressLeaf, 0);
  if (addresses && other_addresses) addresses->eax = narrower(addresses->eax, other_addresses->eax);
}

Cpuid levelled_cpuid(const KvmSystem& system, int vm, const std::vector<std::string>& engines, bool kvmclock) {
  Cpuid cpuid = guest_cpuid(system, vm, kvmclock);
  for (const std::string& engine : engines) {
    const UniqueFd other = system.create_vm(engine);
    level(cpuid, system.supported_cpuid(other.get()));
  }
  return cpuid;
}

std::string missing_features(const Cpuid& cpuid, const Cpuid& offered) {
  std::string missing;
  for (const FeatureRegister& feature : kFeatures) {
    for (uint32_t bits = value_in(cpuid, feature) & ~value_in(offered, feature); bits; bits &= bits - 1)
      missing += fmt::format("{}{}.{}", missing.empty() ? "" : " ", feature.name, std::countr_zero(bits));
  }
  return missing;
}

}  // namespace ring1::vmm
