// SPDX-License-Identifier: GPL-2.0-only
// RDMSR and WRMSR: the rows of msr_list.h, and those that are more than a value.
#include "include/ring1/msr_list.h"
#include "monitor/world/hardware.h"
#include "monitor/vcpu/machine.h"
#include "x86/registers.h"

namespace ring1::monitor {
namespace {

constexpr uint32_t kApicBase = 0x1b, kTscAdjust = 0x3b, kEfer = 0xc0000080;
// What Linux reads of an AMD processor without being ready for #GP: SYSCFG, HWCR, TOP_MEM2, NB_CFG, DE_CFG, and the performance
// counters that each has had since the K7, with no bit in CPUID (APM 2 appendix A, 13.2.1). They read as zero, but for the bit that
// says that the TSC counts at one frequency, and ignore writes.
constexpr uint32_t kFirstCounter = 0xc0010000, kCounterRegisters = 8;
constexpr bool is_quiet_amd_register(uint32_t index) {
  return index - kFirstCounter < kCounterRegisters || index == 0xc0010010 || index == 0xc0010015 || index == 0xc001001d || index == 0xc001001f ||
         index == 0xc0011029;
}

constexpr uint32_t kHwcr = 0xc0010015;
constexpr uint64_t kTscFreqSel = 1u << 24;
constexpr uint32_t kMicrocodeRevision = 0x8b, kPlatformId = 0x17;

}  // namespace

// 0x40000000, or 0x40000100 * n behind another hypervisor's.
uint32_t Machine::kvm_leaf() const {
  constexpr uint32_t kFirst = 0x40000000, kLast = 0x4000ff00, kStep = 0x100;
  constexpr uint32_t kSignature[] = {0x4b4d564b, 0x564b4d56, 0x4d};  // "KVMKVMKVM"
  const ring1_vcpu_shared& shared = host_.shared();
  for (unsigned i = 0; i < shared.cpuid_count && i < RING1_CPUID_MAX; i++) {
    const kvm_cpuid_entry2& entry = shared.cpuid[i];
    if (entry.function >= kFirst && entry.function <= kLast && entry.function % kStep == 0 &&
        entry.ebx == kSignature[0] && entry.ecx == kSignature[1] && entry.edx == kSignature[2])
      return entry.function;
  }
  return 0;
}

uint32_t Machine::kvm_features() const {
  const ring1_vcpu_shared& shared = host_.shared();
  const uint32_t base = kvm_leaf();
  for (unsigned i = 0; base && i < shared.cpuid_count && i < RING1_CPUID_MAX; i++)
    if (shared.cpuid[i].function == base + 1) return shared.cpuid[i].eax;
  return 0;
}

bool Machine::read_msr(uint32_t index, uint64_t* value) {
  if (ParavirtClock::owns(index)) return paravirt_clock_.read_msr(kvm_features(), index, value);
  if (is_quiet_amd_register(index)) {
    *value = index == kHwcr ? kTscFreqSel : 0;
    return true;
  }
  if (ring1_msr_is_mc_bank(index)) {
    *value = cpu_.mc_banks[index - RING1_MSR_MC_BANK0];
    return true;
  }
  switch (index) {
    case RING1_MSR_TSC: *value = read_tsc(); return true;
    case RING1_MSR_MCG_CAP: *value = RING1_MCG_CAP; return true;
    case RING1_MSR_MTRR_CAP: *value = RING1_MTRR_CAP; return true;
    case kMicrocodeRevision:
    case kPlatformId: *value = 0; return true;
#define X(number, name, field, rule) \
  case number: *value = cpu_.field; return true;
      RING1_MSRS(X)
#undef X
  }
  if (!host_.shared().config.long_mode) return false;
  switch (index) {
#define X(number, name, field, rule) \
  case number: *value = cpu_.field; return true;
    RING1_LONG_MODE_MSRS(X)
#undef X
  }
  return false;
}

// LME stands fast under paging (SDM 3A 4.1.2); LMA follows from both and is not software's.
bool Machine::write_efer(uint64_t value) {
  const uint64_t old = cpu_.efer, next = ring1_efer_written(old, value);
  if (!ring1_efer_valid(value, host_.shared().config.long_mode)) return false;
  if (((old ^ next) & efer::kLme) && (cpu_.cr0 & cr0::kPg)) return false;
  cpu_.efer = next;
  if (next != old) set_mode(true, paging::Pointers::kKeep);
  return true;
}

bool Machine::write_long_mode_msr(uint32_t index, uint64_t value) {
  if (!host_.shared().config.long_mode) return false;
  switch (index) {
#define X(number, name, field, rule)                 \
  case number:                                       \
    if (!ring1_msr_rule_##rule(value, host_.shared().config.physical_bits)) return false; \
    cpu_.field = value;                              \
    return true;
    RING1_LONG_MODE_MSRS(X)
#undef X
  }
  return false;
}

bool Machine::write_msr(uint32_t index, uint64_t value) {
  if (ParavirtClock::owns(index)) {
    devices_.touch();  // the records are written before the guest goes on
    return paravirt_clock_.write_msr(kvm_features(), index, value);
  }
  if (is_quiet_amd_register(index)) return true;
  if (index == kEfer) return write_efer(value);
  if (ring1_msr_is_mc_bank(index)) {
    if (!ring1_msr_mc_bank_valid(index, value, 1)) return false;
    cpu_.mc_banks[index - RING1_MSR_MC_BANK0] = value;
    return true;
  }
  if (index == kTscAdjust) {
    cpu_.tsc_offset += value - cpu_.tsc_adjust;
    cpu_.tsc_adjust = value;
    tsc_moved();
    return true;
  }
  switch (index) {
    case RING1_MSR_TSC: {
      const uint64_t delta = value - read_tsc();
      cpu_.tsc_offset += delta;
      cpu_.tsc_adjust += delta;
      tsc_moved();
      return true;
    }
    case kMicrocodeRevision: return true;
#define X(number, name, field, rule)                 \
  case number:                                       \
    if (!ring1_msr_rule_##rule(value, host_.shared().config.physical_bits)) return false; \
    cpu_.field = value;                              \
    break;
      RING1_MSRS(X)
#undef X
    default: return write_long_mode_msr(index, value);
  }
  if (index == kApicBase) devices_.apic_base_written();
  return true;
}

}  // namespace ring1::monitor
