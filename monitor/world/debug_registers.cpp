// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/world/debug_registers.h"

#include "monitor/world/hardware.h"
#include "x86/breakpoints.h"
#include "x86/registers.h"

namespace ring1::monitor {

void DebugRegisters::load(const ring1_cpu_state& cpu) {
  const uint64_t mask = cpu.efer & efer::kLma ? ~uint64_t{0} : 0xffffffff;
  for (unsigned n = 0; n < breakpoint::kCount; n++) {
    const uint64_t address = cpu.dr[n] & mask;
    if (!loaded_) host_[n] = hardware::read_dr(n);
    if (loaded_ && guest_[n] == address) continue;
    guest_[n] = address;
    hardware::write_dr(n, address);
  }
  loaded_ = true;
}

// The addresses of a guest that has 32 bits of them: nothing the monitor itself touches can meet them.
void DebugRegisters::arm(const ring1_cpu_state& cpu, unsigned which) {
  load(cpu);
  hardware::write_dr7(breakpoint::control(cpu, which));
}

void DebugRegisters::disarm() { hardware::write_dr7(breakpoint::kDr7Fixed1); }

void DebugRegisters::restore() {
  for (unsigned n = 0; n < breakpoint::kCount; n++) hardware::write_dr(n, host_[n]);
  loaded_ = false;
}

uint64_t take_debug_status() {
  constexpr uint64_t kStatus = breakpoint::kAll | breakpoint::kDr6Bs;
  const uint64_t status = hardware::read_dr6() & kStatus;
  if (status) hardware::write_dr6(breakpoint::kDr6Fixed1);
  return status;
}

}  // namespace ring1::monitor
