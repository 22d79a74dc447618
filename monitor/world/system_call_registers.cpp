// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/world/system_call_registers.h"

#include "monitor/world/hardware.h"

namespace ring1::monitor {
namespace {

constexpr uint32_t kStar = 0xc0000081, kKernelGsBase = 0xc0000102;  // STAR, LSTAR, CSTAR, SFMASK follow each other

}  // namespace

void SystemCallRegisters::load(const ring1_cpu_state& cpu) {
  const uint64_t wanted[kCount] = {cpu.star, cpu.lstar, cpu.cstar, cpu.sfmask};
  for (unsigned n = 0; n < kCount; n++) {
    if (!loaded_) host_[n] = hardware::read_msr(kStar + n);
    if (loaded_ && guest_[n] == wanted[n]) continue;
    guest_[n] = wanted[n];
    hardware::write_msr(kStar + n, wanted[n]);
  }
  loaded_ = true;
  if (!swapped_) hardware::write_msr(kKernelGsBase, cpu.kernel_gs_base);
  swapped_ = true;
}

void SystemCallRegisters::take(ring1_cpu_state* cpu) {
  if (!swapped_) return;
  cpu->kernel_gs_base = hardware::read_msr(kKernelGsBase);
  swapped_ = false;
}

void SystemCallRegisters::restore(ring1_cpu_state* cpu) {
  take(cpu);
  for (unsigned n = 0; n < kCount; n++) hardware::write_msr(kStar + n, host_[n]);
  loaded_ = false;
}

}  // namespace ring1::monitor
