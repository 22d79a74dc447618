// SPDX-License-Identifier: GPL-2.0-only
// A machine into sections and back. Their order in the file means nothing; here it does.
#include "vmm/run/machine_state.h"

#include "vmm/run/machine.h"
#include "vmm/state/vcpu_state.h"
#include "vmm/state/vm_state.h"

namespace ring1::vmm {

namespace {

constexpr uint32_t kConfigVersion = 2, kCpuidVersion = 1, kPortsVersion = 1;

template <class State>
void add(ArchiveWriter& archive, const char* name, uint32_t version, const State& state) {
  SectionWriter section;
  state.save(section);
  archive.add(name, version, section);
}

template <class Device>
void restore_device(const Archive& archive, const char* name, Device& device) {
  SectionReader section = archive.section(name, Device::kVersion);
  device.restore(section);
}

template <class State>
State restore_state(const Archive& archive, const char* name) {
  SectionReader section = archive.section(name, State::kVersion);
  return State::restore(section);
}

}  // namespace

Cpuid saved_cpuid(const Snapshot& snapshot) {
  return snapshot.state().section("cpuid", kCpuidVersion).get_all<Cpuid>();
}

SavedConfig saved_config(const Snapshot& snapshot) {
  return snapshot.state().section("config", kConfigVersion).get<SavedConfig>();
}

// The local APIC, with the vCPU, after the other controllers: what these send it meanwhile it still has.
ArchiveWriter Machine::save(const KvmSystem& system) const {
  ArchiveWriter archive;
  SectionWriter config, cpuid, ports;
  config.put(SavedConfig{isa_debug_exit_, active_time_});
  archive.add("config", kConfigVersion, config);
  cpuid.put_all(vcpu_.cpuid());
  archive.add("cpuid", kCpuidVersion, cpuid);
  add(archive, "vm", VmState::kVersion, VmState::read(system, vm_.fd()));
  add(archive, "vcpu", VcpuState::kVersion, VcpuState::read(system, vcpu_.fd()));
  add(archive, "serial", Serial::kVersion, serial_);
  add(archive, "cmos", Cmos::kVersion, cmos_);
  add(archive, "keyboard", I8042::kVersion, keyboard_);
  add(archive, "acpi-pm", AcpiPm::kVersion, acpi_pm_);
  reset_port_.save(ports);
  system_control_.save(ports);
  archive.add("ports", kPortsVersion, ports);
  return archive;
}

// The devices' lines before the controllers, which know already what they had seen; the local APIC, with the vCPU,
// after the I/O APIC, which may send it again what it holds; the ACPI timer and a real-time clock that has stood after
// the VM's clock, by which they count.
void Machine::restore(const KvmSystem& system, const Snapshot& snapshot) {
  const Archive& archive = snapshot.state();
  snapshot.load_memory(memory_);
  restore_device(archive, "serial", serial_);
  restore_device(archive, "cmos", cmos_);
  restore_device(archive, "keyboard", keyboard_);
  if (archive.has("ports")) {  // files of before have none
    SectionReader ports = archive.section("ports", kPortsVersion);
    reset_port_.restore(ports);
    system_control_.restore(ports);
  }
  restore_state<VmState>(archive, "vm").write(system, vm_.fd());
  if (active_time_) cmos_.go_on_from_saved();
  restore_device(archive, "acpi-pm", acpi_pm_);
  restore_state<VcpuState>(archive, "vcpu").write(system, vcpu_.fd());
}

}  // namespace ring1::vmm
