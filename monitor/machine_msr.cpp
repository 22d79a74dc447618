// SPDX-License-Identifier: GPL-2.0-only
// RDMSR and WRMSR: the rows of msr_list.h, and those that are more than a value.
#include "include/ring1/msr_list.h"
#include "monitor/hardware.h"
#include "monitor/machine.h"

namespace ring1::monitor {
namespace {

constexpr uint32_t kApicBase = 0x1b;
constexpr uint32_t kMicrocodeRevision = 0x8b, kPlatformId = 0x17;

}  // namespace

bool Machine::read_msr(uint32_t index, uint64_t* value) {
  switch (index) {
    case RING1_MSR_TSC:
      *value = read_tsc();
      return true;
    case RING1_MSR_MTRR_CAP:
      *value = RING1_MTRR_CAP;
      return true;
    case kMicrocodeRevision:
    case kPlatformId:
      *value = 0;
      return true;
#define X(number, name, field, rule) \
  case number:                       \
    *value = cpu_.field;             \
    return true;
      RING1_MSRS(X)
#undef X
  }
  return false;
}

bool Machine::write_msr(uint32_t index, uint64_t value) {
  const uint64_t old_efer = cpu_.efer;
  switch (index) {
    case RING1_MSR_TSC:
      cpu_.tsc_offset = value - hardware::read_tsc();
      return true;
    case kMicrocodeRevision:
      return true;
#define X(number, name, field, rule)               \
  case number:                                     \
    if (!ring1_msr_rule_##rule(value)) return false; \
    cpu_.field = value;                            \
    break;
      RING1_MSRS(X)
#undef X
    default:
      return false;
  }
  if (cpu_.efer != old_efer) set_mode(true, shadowmmu::Pointers::kKeep);
  if (index == kApicBase) devices_.apic_base_written();
  return true;
}

}  // namespace ring1::monitor
