// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/run/vcpu_thread.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "vmm/failure.h"

namespace ring1::vmm {

namespace {

constexpr int kKickSignal = SIGUSR1;

void install_kick_handler() {
  // The handler does nothing; being interrupted is the purpose.
  struct sigaction action {};
  action.sa_handler = [](int) {};
  ::sigaction(kKickSignal, &action, nullptr);
}

}  // namespace

VcpuThread::VcpuThread(Machine& machine, std::function<void()> ended) : machine_(machine), ended_(std::move(ended)) {
  install_kick_handler();
  thread_ = std::thread([this] {
    sigset_t kick;
    ::sigemptyset(&kick);
    ::sigaddset(&kick, kKickSignal);
    ::pthread_sigmask(SIG_UNBLOCK, &kick, nullptr);
    try {
      loop();
    } catch (const std::exception& error) { died(error.what()); }
    {
      std::lock_guard lock(mutex_);
      ended_running_ = true;
    }
    changed_.notify_all();
    ended_();
  });
}

VcpuThread::~VcpuThread() {
  if (!thread_.joinable()) return;
  stop({Outcome::Kind::died, 0, "the tool gave up", ""});
  join();
}

void VcpuThread::stop(Outcome outcome) {
  machine_.finish(std::move(outcome));
  std::lock_guard lock(mutex_);
  kick();
  pause_wanted_ = false;
  changed_.notify_all();
}

// The lock is held. Set before the signal: whether that comes before, during or after the ioctl, KVM_RUN returns EINTR.
void VcpuThread::kick() {
  machine_.vcpu().shared().immediate_exit = 1;
  ::pthread_kill(thread_.native_handle(), kKickSignal);
}

bool VcpuThread::pause() {
  std::unique_lock lock(mutex_);
  if (ended_running_) return false;
  pause_wanted_ = true;
  kick();
  changed_.wait(lock, [this] { return paused_ || ended_running_; });
  return paused_ && !machine_.finished();
}

void VcpuThread::resume() {
  std::lock_guard lock(mutex_);
  pause_wanted_ = false;
  changed_.notify_all();
}

// KVM_RUN has returned for a kick. The second time in a row all accesses to devices are complete, as it takes their
// answers before it looks at immediate_exit: the guest stands between two instructions.
void VcpuThread::stand_still() {
  std::unique_lock lock(mutex_);
  if (!std::exchange(interrupted_, pause_wanted_) || !pause_wanted_) return;
  paused_ = true;
  changed_.notify_all();
  changed_.wait(lock, [this] { return !pause_wanted_; });
  paused_ = interrupted_ = false;
  if (!machine_.finished()) machine_.vcpu().shared().immediate_exit = 0;
}

void VcpuThread::join() {
  if (thread_.joinable()) thread_.join();
}

void VcpuThread::loop() {
  while (!machine_.finished()) {
    const int status = machine_.vcpu().run();
    if (status == -EINTR) stand_still();
    if (status == -EINTR || status == -EAGAIN) continue;
    if (status != 0) return died(fmt::format("KVM_RUN failed: {}", std::strerror(-status)));
    serve_exit();
    interrupted_ = false;
  }
}

void VcpuThread::serve_exit() {
  const kvm_run& run = machine_.vcpu().shared();
  switch (run.exit_reason) {
    case KVM_EXIT_IO: return serve_io();
    case KVM_EXIT_MMIO: return serve_mmio();
    case KVM_EXIT_INTR:
    case KVM_EXIT_IRQ_WINDOW_OPEN: return;
    case KVM_EXIT_SHUTDOWN: return died("the guest's processor shut down (triple fault)");
    case KVM_EXIT_HLT: return died("the guest halted with nothing left to wake it");
    case KVM_EXIT_FAIL_ENTRY:
      return died(fmt::format("the processor refused to enter the guest, reason {:#x}",
                              run.fail_entry.hardware_entry_failure_reason));
    case KVM_EXIT_INTERNAL_ERROR: return died(describe_internal_error(), true);
    case KVM_EXIT_SYSTEM_EVENT:
      switch (run.system_event.type) {
        case KVM_SYSTEM_EVENT_SHUTDOWN: return machine_.finish({Outcome::Kind::power_off});
        case KVM_SYSTEM_EVENT_RESET: return machine_.finish({Outcome::Kind::reset});
      }
      return died(fmt::format("system event {}", run.system_event.type));
    default: return died(fmt::format("unknown exit reason {}", run.exit_reason));
  }
}

void VcpuThread::serve_io() {
  kvm_run& run = machine_.vcpu().shared();
  auto* data = reinterpret_cast<uint8_t*>(&run) + run.io.data_offset;
  for (uint32_t i = 0; i < run.io.count; i++, data += run.io.size) {
    uint64_t value = 0;
    if (run.io.direction == KVM_EXIT_IO_OUT) {
      std::memcpy(&value, data, run.io.size);
      machine_.ports().write(run.io.port, run.io.size, value);
    } else {
      value = machine_.ports().read(run.io.port, run.io.size);
      std::memcpy(data, &value, run.io.size);
    }
  }
}

void VcpuThread::serve_mmio() {
  kvm_run& run = machine_.vcpu().shared();
  const unsigned size = std::min<unsigned>(run.mmio.len, sizeof(run.mmio.data));
  uint64_t value = 0;
  if (run.mmio.is_write) {
    std::memcpy(&value, run.mmio.data, size);
    machine_.memory_bus().write(run.mmio.phys_addr, size, value);
  } else {
    value = machine_.memory_bus().read(run.mmio.phys_addr, size);
    std::memcpy(run.mmio.data, &value, size);
  }
}

std::string VcpuThread::describe_internal_error() const {
  const kvm_run& run = machine_.vcpu().shared();
  const char* kind = "";
  switch (run.internal.suberror) {
    case KVM_INTERNAL_ERROR_EMULATION: kind = " (an instruction that cannot be emulated)"; break;
    case KVM_INTERNAL_ERROR_SIMUL_EX: kind = " (an exception during the delivery of another)"; break;
    case KVM_INTERNAL_ERROR_DELIVERY_EV: kind = " (an exit during the delivery of an event)"; break;
    case KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON: kind = " (an unexpected exit)"; break;
  }
  std::string line = fmt::format("internal error {} of the hypervisor{}", run.internal.suberror, kind);
  constexpr uint32_t kMost = sizeof(run.internal.data) / sizeof(run.internal.data[0]);
  const uint32_t count = std::min<uint32_t>(run.internal.ndata, kMost);
  for (uint32_t i = 0; i < count; i++) line += fmt::format("{} {:#x}", i == 0 ? ", data" : "", run.internal.data[i]);
  return line;
}

void VcpuThread::died(const std::string& reason, bool internal) {
  machine_.finish({Outcome::Kind::died, 0, reason, machine_.vcpu().describe(), internal});
}

}  // namespace ring1::vmm
