// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/state/vm_state.h"

#include <sys/ioctl.h>

#include "vmm/failure.h"

namespace ring1::vmm {

VmState VmState::read(const KvmSystem& system, int vm) {
  VmState state;
  for (uint32_t id = 0; id < state.chips.size(); id++) {
    state.chips[id].chip_id = id;
    if (::ioctl(vm, KVM_GET_IRQCHIP, &state.chips[id]) != 0) throw system_failure("KVM_GET_IRQCHIP");
  }
  if (::ioctl(vm, KVM_GET_PIT2, &state.pit) != 0) throw system_failure("KVM_GET_PIT2");
  if (system.capability(KVM_CAP_ADJUST_CLOCK) > 0 && ::ioctl(vm, KVM_GET_CLOCK, &state.clock.emplace()) != 0)
    throw system_failure("KVM_GET_CLOCK");
  return state;
}

void VmState::write(const KvmSystem& system, int vm) const {
  for (kvm_irqchip chip : chips)
    if (::ioctl(vm, KVM_SET_IRQCHIP, &chip) != 0) throw system_failure("KVM_SET_IRQCHIP");
  kvm_pit_state2 timer = pit;
  if (::ioctl(vm, KVM_SET_PIT2, &timer) != 0) throw system_failure("KVM_SET_PIT2");
  if (!clock || system.capability(KVM_CAP_ADJUST_CLOCK) <= 0) return;
  // Only the time: the flags say how exact it was, and as the guest stood still it goes on where it was.
  kvm_clock_data time{};
  time.clock = clock->clock;
  if (::ioctl(vm, KVM_SET_CLOCK, &time) != 0) throw system_failure("KVM_SET_CLOCK");
}

void VmState::save(SectionWriter& out) const {
  for (const kvm_irqchip& chip : chips) out.put(chip);
  out.put(pit);
  out.put(static_cast<uint8_t>(clock.has_value()));
  if (clock) out.put(*clock);
}

VmState VmState::restore(SectionReader& in) {
  VmState state;
  for (uint32_t id = 0; id < state.chips.size(); id++) {
    state.chips[id] = in.get<kvm_irqchip>();
    state.chips[id].chip_id = id;
  }
  state.pit = in.get<kvm_pit_state2>();
  if (in.get<uint8_t>()) state.clock = in.get<kvm_clock_data>();
  return state;
}

}  // namespace ring1::vmm
