// SPDX-License-Identifier: GPL-2.0-only
// A virtual machine: memory and interrupt controllers, all of which the kernel side emulates.
#pragma once

#include "vmm/kvm/system.h"
#include "vmm/memory/guest_memory.h"
#include "vmm/sched/settings.h"

namespace ring1::vmm {

class KvmVm {
 public:
  // Interrupt controllers, timer and the areas Intel processors want included. Memory must outlive the VM.
  KvmVm(const KvmSystem& system, GuestMemory& memory, const std::string& engine, bool active_time);

  int fd() const { return fd_.get(); }
  // The slot of all memory again, with other KVM_MEM_ flags.
  void set_memory(const GuestMemory& memory, uint32_t flags) const;
  // Throws a Failure if the device has no such scheduler, or refuses.
  void change_sched(const SchedChange& change) const;
  // Virtual time in nanoseconds (KVM_GET_CLOCK).
  uint64_t clock_ns() const;
  // Callable from any thread.
  void set_irq(uint32_t irq, bool level) const;

 private:
  void reserve_intel_areas(const KvmSystem& system) const;
  void create_interrupt_controllers(const KvmSystem& system) const;
  void route_interrupts() const;

  UniqueFd fd_;
};

}  // namespace ring1::vmm
