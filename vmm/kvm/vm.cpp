// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/kvm/vm.h"

#include <sys/ioctl.h>

#include <vector>

#include "vmm/failure.h"
#include "vmm/firmware/tables.h"
#include "vmm/kvm/variable_request.h"

namespace ring1::vmm {

namespace {

// Three pages and one page below 4 GiB that Intel's kvm uses for real mode; nothing of the guest lies there.
constexpr uint64_t kIdentityMap = 0xfeffc000;
constexpr uint64_t kTss = 0xfeffd000;

constexpr uint32_t kPicInputs = 8, kIoApicInputs = 24, kPics = 2 * kPicInputs;

}  // namespace

KvmVm::KvmVm(const KvmSystem& system, GuestMemory& memory, const std::string& engine, bool active_time)
    : fd_(system.create_vm(engine, active_time)) {
  reserve_intel_areas(system);
  set_memory(memory, 0);
  create_interrupt_controllers(system);
}

void KvmVm::reserve_intel_areas(const KvmSystem& system) const {
  uint64_t identity_map = kIdentityMap;
  if (system.capability(KVM_CAP_SET_IDENTITY_MAP_ADDR) > 0 &&
      ::ioctl(fd(), KVM_SET_IDENTITY_MAP_ADDR, &identity_map) != 0)
    throw system_failure("KVM_SET_IDENTITY_MAP_ADDR");
  if (system.capability(KVM_CAP_SET_TSS_ADDR) > 0 && ::ioctl(fd(), KVM_SET_TSS_ADDR, kTss) != 0)
    throw system_failure("KVM_SET_TSS_ADDR");
}

void KvmVm::set_memory(const GuestMemory& memory, uint32_t flags) const {
  kvm_userspace_memory_region region{};
  region.flags = flags;
  region.memory_size = memory.size();
  region.userspace_addr = reinterpret_cast<uint64_t>(memory.base());
  if (::ioctl(fd(), KVM_SET_USER_MEMORY_REGION, &region) != 0) throw system_failure("KVM_SET_USER_MEMORY_REGION");
}

void KvmVm::create_interrupt_controllers(const KvmSystem& system) const {
  if (::ioctl(fd(), KVM_CREATE_IRQCHIP, 0) != 0) throw system_failure("KVM_CREATE_IRQCHIP");
  if (system.capability(KVM_CAP_IRQ_ROUTING) > 0) route_interrupts();
  kvm_pit_config pit{};
  pit.flags = KVM_PIT_SPEAKER_DUMMY;  // port 0x61 belongs to the timer
  if (::ioctl(fd(), KVM_CREATE_PIT2, &pit) != 0) throw system_failure("KVM_CREATE_PIT2");
}

// As on a PC: each ISA interrupt reaches both controllers, the timer the I/O APIC's input 2.
void KvmVm::route_interrupts() const {
  std::vector<kvm_irq_routing_entry> entries;
  auto add = [&](uint32_t gsi, uint32_t chip, uint32_t pin) {
    kvm_irq_routing_entry entry{};
    entry.gsi = gsi;
    entry.type = KVM_IRQ_ROUTING_IRQCHIP;
    entry.u.irqchip.irqchip = chip;
    entry.u.irqchip.pin = pin;
    entries.push_back(entry);
  };
  for (uint32_t irq = 0; irq < kPics; irq++)
    if (irq != kCascadeIrq)
      add(irq, irq < kPicInputs ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE, irq % kPicInputs);
  for (uint32_t gsi = 0; gsi < kIoApicInputs; gsi++)
    if (gsi != kTimerGsi) add(gsi, KVM_IRQCHIP_IOAPIC, gsi == kTimerIrq ? kTimerGsi : gsi);
  if (variable_ioctl(fd(), kSetGsiRouting, entries) != 0) throw system_failure("KVM_SET_GSI_ROUTING");
}

void KvmVm::change_sched(const SchedChange& change) const {
  ring1_vm_sched settings{};
  if (::ioctl(fd(), RING1_GET_SCHED, &settings) != 0) {
    if (errno == ENOTTY) throw usage_failure("this device has no scheduler to ask for a share");
    throw system_failure("RING1_GET_SCHED");
  }
  settings.policy = 0;
  change.apply(settings.params);
  if (::ioctl(fd(), RING1_SET_SCHED, &settings) == 0) return;
  if (errno == EINVAL) throw usage_failure("the scheduler knows no such parameters: " + std::string(kSchedRanges));
  if (errno == EBUSY)
    throw Failure(kExitEnvironment, "the slices of all guests would not fit into the processors' time");
  if (errno == EPERM) throw Failure(kExitEnvironment, "more than a fair share needs the right to raise priorities (CAP_SYS_NICE)");
  throw system_failure("RING1_SET_SCHED");
}

uint64_t KvmVm::clock_ns() const {
  kvm_clock_data clock{};
  if (::ioctl(fd(), KVM_GET_CLOCK, &clock) != 0) throw system_failure("KVM_GET_CLOCK");
  return clock.clock;
}

void KvmVm::set_irq(uint32_t irq, bool level) const {
  kvm_irq_level request{};
  request.irq = irq;
  request.level = level;
  if (::ioctl(fd(), KVM_IRQ_LINE, &request) != 0) throw system_failure("KVM_IRQ_LINE");
}

}  // namespace ring1::vmm
