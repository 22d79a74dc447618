// SPDX-License-Identifier: GPL-2.0-only
// The whole virtual machine: KVM's part and ours, wired together. A reset that restarts the guest makes a
// new one.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "vmm/boot/image.h"
#include "vmm/devices/acpi_pm.h"
#include "vmm/devices/cmos.h"
#include "vmm/devices/i8042.h"
#include "vmm/devices/serial.h"
#include "vmm/devices/system_ports.h"
#include "vmm/kvm/cpuid.h"
#include "vmm/kvm/vcpu.h"
#include "vmm/run/outcome.h"
#include "vmm/run/tsc_clock.h"
#include "vmm/state/snapshot.h"

namespace ring1::vmm {

struct MachineConfig {
  uint64_t memory;
  bool isa_debug_exit;
  std::string engine;                // empty: the device's choice
  bool active_time = false;          // the guest's time stands while it does not run
  bool kvmclock = true;              // the guest sees KVM's paravirtual clock, if there is one
  std::vector<std::string> cpu_for;  // engines whose features the guest is kept to
  BootInputs boot;
  std::shared_ptr<const Snapshot> snapshot;  // go on with this instead of booting
  SchedChange sched;
};

// What the machine tells the main thread; called from the vCPU thread.
struct MachineEvents {
  std::function<void(uint8_t)> console_byte;
  std::function<void()> clock_deadline_changed;
};

class Machine {
 public:
  Machine(const KvmSystem& system, const MachineConfig& config, MachineEvents events);

  Serial& serial() { return serial_; }
  Cmos& cmos() { return cmos_; }
  Bus& ports() { return ports_; }
  Bus& memory_bus() { return memory_bus_; }
  KvmVcpu& vcpu() { return vcpu_; }
  const KvmVcpu& vcpu() const { return vcpu_; }
  const KvmVm& vm() const { return vm_; }
  const GuestMemory& memory() const { return memory_; }

  // What the guest's RTC shows if the guest does not set it: the host's time at the start, and what has passed of the VM's.
  int64_t wall_ns() const;

  // Everything but the memory. The vCPU stands still (VcpuThread::pause()).
  ArchiveWriter save(const KvmSystem& system) const;

  // The first outcome counts. From any thread.
  void finish(Outcome outcome);
  bool finished() const { return finished_.load(std::memory_order_acquire); }
  Outcome outcome() const;

 private:
  void attach_devices(const MachineConfig& config);
  void boot(const MachineConfig& config);
  void restore(const KvmSystem& system, const Snapshot& snapshot);
  std::function<void(bool)> interrupt_line(uint32_t irq);

  uint64_t timer_ns() const;

  const bool isa_debug_exit_, active_time_;
  const int64_t started_at_;  // wall clock
  GuestMemory memory_;
  KvmVm vm_;
  KvmVcpu vcpu_;
  TscClock clock_;
  Bus ports_, memory_bus_;
  Serial serial_;
  Cmos cmos_;
  I8042 keyboard_;
  AcpiPm acpi_pm_;
  ResetPort reset_port_;
  SystemControlPort system_control_;
  DebugExitPort debug_exit_;
  std::atomic<bool> finished_ = false;
  mutable std::mutex mutex_;
  Outcome outcome_;
};

// Host clocks in nanoseconds.
int64_t wall_clock_ns();
uint64_t monotonic_ns();

}  // namespace ring1::vmm
