// SPDX-License-Identifier: GPL-2.0-only
// Ports, CPUID, the time-stamp counter, the task priority.
#include "monitor/vcpu/machine.h"

#include "monitor/world/hardware.h"
#include "x86/breakpoints.h"
#include "x86/registers.h"

namespace ring1::monitor {

using emulator::MemoryStatus;

Machine::Machine(Host& host, GuestMemory& memory, shadowmmu::ShadowMmu& mmu, Devices& devices)
    : host_(host),
      cpu_(host.shared().cpu),
      memory_(memory),
      mmu_(mmu),
      devices_(devices),
      paravirt_clock_(host, devices, *this) {}

void Machine::watch_port(uint16_t port, unsigned size) {
  if (breakpoint::any(cpu_)) [[unlikely]]
    breakpoints_met_ |= breakpoint::met_by_port(cpu_, port, size);
}

MemoryStatus Machine::port_in(uint16_t port, unsigned size, uint32_t* value) {
  watch_port(port, size);
  return devices_.port(port, size, value, false) ? MemoryStatus::kOk : MemoryStatus::kBlocked;
}

MemoryStatus Machine::port_out(uint16_t port, unsigned size, uint32_t value) {
  watch_port(port, size);
  return devices_.port(port, size, &value, true) ? MemoryStatus::kOk : MemoryStatus::kBlocked;
}

void Machine::cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4]) {
  const ring1_vcpu_shared& shared = host_.shared();
  const kvm_cpuid_entry2* best = nullptr;
  uint32_t highest = 0;
  for (uint32_t i = 0; i < shared.cpuid_count && i < RING1_CPUID_MAX; i++) {
    const kvm_cpuid_entry2& entry = shared.cpuid[i];
    if (entry.function < 0x40000000 && entry.function > highest) highest = entry.function;
    if (entry.function != leaf) continue;
    if ((entry.flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) && entry.index != subleaf) continue;
    best = &entry;
    break;
  }
  if (!best) {
    // A leaf beyond the highest basic one gives the highest one's data (SDM 2A CPUID); other gaps are zero.
    out[0] = out[1] = out[2] = out[3] = 0;
    if (leaf < 0x40000000 && leaf > highest && highest) cpuid(highest, subleaf, out);
    return;
  }
  out[0] = best->eax;
  out[1] = best->ebx;
  out[2] = best->ecx;
  out[3] = best->edx;
  if (leaf == 1) {
    constexpr uint32_t kOsxsave = 1u << 27, kApic = 1u << 9;
    out[2] = cpu_.cr4 & cr4::kOsxsave ? out[2] | kOsxsave : out[2] & ~kOsxsave;
    // Also where the APIC is user space's.
    if (!(cpu_.apic_base & irqchip::kApicBaseEnabled)) out[3] &= ~kApic;
  }
}

uint64_t Machine::read_tsc() { return hardware::read_tsc() + cpu_.tsc_offset; }

void Machine::descriptor_table_written() { pending_.tables = true; }

uint64_t Machine::read_cr8() { return devices_.cr8(); }

void Machine::write_cr8(uint64_t value) { devices_.set_cr8(value); }

}  // namespace ring1::monitor
