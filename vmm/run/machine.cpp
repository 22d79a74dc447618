// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/run/machine.h"

#include <ctime>

#include "vmm/devices/platform.h"
#include "vmm/failure.h"
#include "vmm/firmware/tables.h"
#include "vmm/run/machine_state.h"

namespace ring1::vmm {

namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr uint64_t kSerialRegisters = 8, kCmosPorts = 2;

int64_t read_clock(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

// A machine that goes on keeps its CPUID, which this VM must be able to fulfil.
Cpuid cpuid_for(const KvmSystem& system, const KvmVm& vm, const MachineConfig& config) {
  if (!config.snapshot) return levelled_cpuid(system, vm.fd(), config.cpu_for, config.kvmclock);
  const Cpuid cpuid = saved_cpuid(*config.snapshot);
  const std::string missing = missing_features(cpuid, system.supported_cpuid(vm.fd()));
  if (!missing.empty())
    throw Failure(kExitEnvironment, "the saved machine's processor has features that are not to be had here: " +
                                        missing + " (see --cpu-for)");
  return cpuid;
}

}  // namespace

int64_t wall_clock_ns() { return read_clock(CLOCK_REALTIME); }
uint64_t monotonic_ns() { return static_cast<uint64_t>(read_clock(CLOCK_MONOTONIC)); }

Machine::Machine(const KvmSystem& system, const MachineConfig& config, MachineEvents events)
    : isa_debug_exit_(config.isa_debug_exit),
      active_time_(config.active_time),
      started_at_(wall_clock_ns()),
      memory_(config.memory),
      vm_(system, memory_, config.engine, config.active_time),
      vcpu_(system, vm_, cpuid_for(system, vm_, config)),
      clock_(vcpu_.tsc_khz()),
      serial_({std::move(events.console_byte), interrupt_line(kSerialIrq)}),
      cmos_({[this] { return wall_ns(); }, interrupt_line(kRtcIrq), std::move(events.clock_deadline_changed)},
            config.memory),
      keyboard_({[this] { finish({Outcome::Kind::reset}); }, interrupt_line(kKeyboardIrq)}),
      acpi_pm_({[this] { finish({Outcome::Kind::power_off}); }, [this] { return timer_ns(); }}),
      reset_port_([this] { finish({Outcome::Kind::reset}); }),
      system_control_([this] { finish({Outcome::Kind::reset}); }),
      debug_exit_([this](int code) {
        finish({Outcome::Kind::debug_exit, code});
      }) {
  if (config.sched.any()) vm_.change_sched(config.sched);
  attach_devices(config);
  if (config.snapshot)
    restore(system, *config.snapshot);
  else
    boot(config);
}

void Machine::boot(const MachineConfig& config) {
  BootInputs boot = config.boot;
  boot.rsdp = write_acpi_tables(memory_);
  write_mp_table(memory_);
  write_bios_data(memory_);
  vcpu_.start_at(load_image(memory_, boot), memory_);
}

void Machine::attach_devices(const MachineConfig& config) {
  ports_.attach(kSerialPort, kSerialRegisters, Bus::Width::bytes, serial_);
  ports_.attach(kCmosPort, kCmosPorts, Bus::Width::bytes, cmos_);
  // Between the keyboard controller's ports lies 0x61, the timer's.
  ports_.attach(kKeyboardDataPort, 1, Bus::Width::bytes, keyboard_);
  ports_.attach(kKeyboardCommandPort, 1, Bus::Width::bytes, keyboard_, I8042::kCommandOffset);
  ports_.attach(kPmEventPort, AcpiPm::kSize, Bus::Width::any, acpi_pm_);
  static_assert(kPciAddressPort + ResetPort::kOffset == kResetPort);
  ports_.attach(kPciAddressPort, ResetPort::kSize, Bus::Width::any, reset_port_);
  ports_.attach(kSystemControlPort, 1, Bus::Width::bytes, system_control_);
  if (config.isa_debug_exit) ports_.attach(kDebugExitPort, DebugExitPort::kSize, Bus::Width::any, debug_exit_);
}

std::function<void(bool)> Machine::interrupt_line(uint32_t irq) {
  return [this, irq](bool level) { vm_.set_irq(irq, level); };
}

int64_t Machine::wall_ns() const { return started_at_ + static_cast<int64_t>(timer_ns()); }

// A VM that never stands needs not be asked for its time, which would cost it an exit.
uint64_t Machine::timer_ns() const { return active_time_ ? vm_.clock_ns() : clock_.ns(); }

void Machine::finish(Outcome outcome) {
  std::lock_guard lock(mutex_);
  if (finished_.load(std::memory_order_relaxed)) return;
  outcome_ = std::move(outcome);
  finished_.store(true, std::memory_order_release);
}

Outcome Machine::outcome() const {
  std::lock_guard lock(mutex_);
  return outcome_;
}

}  // namespace ring1::vmm
