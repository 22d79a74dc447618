// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/debug_registers.h"

#include "monitor/hardware.h"
#include "x86/breakpoints.h"

namespace ring1::monitor {

// The addresses are 32 bits wide, so nothing the monitor itself touches can meet them.
void DebugRegisters::arm(const ring1_cpu_state& cpu, unsigned which) {
  for (unsigned n = 0; n < breakpoint::kCount; n++) {
    const auto address = static_cast<uint32_t>(cpu.dr[n]);
    if (!loaded_) host_[n] = hardware::read_dr(n);
    if (loaded_ && guest_[n] == address) continue;
    guest_[n] = address;
    hardware::write_dr(n, address);
  }
  loaded_ = true;
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
