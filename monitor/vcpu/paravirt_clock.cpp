// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/vcpu/paravirt_clock.h"

#include "include/ring1/msr_list.h"
#include "monitor/world/hardware.h"

namespace ring1::monitor {

namespace {

// KVM: Documentation/virt/kvm/x86/msr.rst and cpuid.rst.
enum Register : uint32_t {
  kWallClockOld = 0x11,
  kSystemTimeOld = 0x12,
  kWallClock = 0x4b564d00,
  kSystemTime = 0x4b564d01,
  kStealTime = 0x4b564d03,
};
constexpr uint32_t kClockSource = 1u << 0, kClockSource2 = 1u << 3, kStealTimeFeature = 1u << 5;
constexpr uint64_t kEnabled = 1;
constexpr uint32_t kNsPerSecond = 1'000'000'000;

uint32_t feature_of(uint32_t index) {
  switch (index) {
    case kWallClockOld:
    case kSystemTimeOld: return kClockSource;
    case kWallClock:
    case kSystemTime: return kClockSource2;
    case kStealTime: return kStealTimeFeature;
    default: return 0;
  }
}

}  // namespace

bool ParavirtClock::owns(uint32_t index) { return feature_of(index) != 0; }

bool ParavirtClock::read_msr(uint32_t features, uint32_t index, uint64_t* value) const {
  if (!(features & feature_of(index))) return false;
  switch (index) {
    case kWallClockOld:
    case kWallClock: *value = cpu_.kvm_wall_clock; return true;
    case kSystemTimeOld:
    case kSystemTime: *value = cpu_.kvm_system_time; return true;
    default: *value = cpu_.kvm_steal_time; return true;
  }
}

bool ParavirtClock::write_msr(uint32_t features, uint32_t index, uint64_t value) {
  if (!(features & feature_of(index))) return false;
  switch (index) {
    case kWallClockOld:
    case kWallClock:
      cpu_.kvm_wall_clock = value;
      write_wall_clock();
      return true;
    case kSystemTimeOld:
    case kSystemTime: cpu_.kvm_system_time = value; break;
    default:
      if (!ring1_msr_rule_KVM_STEAL_TIME(value, host_.shared().config.physical_bits)) return false;
      cpu_.kvm_steal_time = value;
  }
  changed_ = true;
  return true;
}

// Written once, at the guest's wish. Where virtual time stands with the VM, real time for the guest began with it.
void ParavirtClock::write_wall_clock() {
  ring1_vcpu_shared& shared = host_.shared();
  uint64_t began;
  if (shared.config.active_time) {
    began = shared.config.created_ns - devices_.kvm_clock_offset();
  } else {
    host_.request(RING1_REQUEST_WALL_CLOCK);
    began = shared.wall_clock_ns - devices_.kvm_clock(hardware::read_tsc());
  }
  const vtimer::PvclockWall wall = {.seconds = static_cast<uint32_t>(began / kNsPerSecond),
                                    .nanoseconds = static_cast<uint32_t>(began % kNsPerSecond)};
  (void)publish(memory_, Gpa(cpu_.kvm_wall_clock), wall);
}

void ParavirtClock::write_time() {
  ring1_vcpu_shared& shared = host_.shared();
  const bool stopped = shared.guest_stopped != 0;
  shared.guest_stopped = 0;
  changed_ = false;
  if (!(cpu_.kvm_system_time & kEnabled)) return;
  const uint64_t now = hardware::read_tsc();
  (void)publish(memory_, Gpa(cpu_.kvm_system_time & ~kEnabled),
                {.tsc = now + cpu_.tsc_offset,
                 .ns = devices_.kvm_clock(now),
                 .scale = vtimer::PvclockScale::of(shared.config.tsc_khz),
                 .tsc_stable = shared.config.tsc_stable != 0,
                 .stopped = stopped});
}

bool ParavirtClock::steal_due() const {
  if (steal_register_ != cpu_.kvm_steal_time) return true;
  return (cpu_.kvm_steal_time & kEnabled) && host_.shared().stats.stolen_ns != stolen_;
}

// What was stolen before the guest asked is not told.
void ParavirtClock::write_steal() {
  const bool is_new = steal_register_ != cpu_.kvm_steal_time;
  const uint64_t total = host_.shared().stats.stolen_ns, news = is_new ? 0 : total - stolen_;
  steal_register_ = cpu_.kvm_steal_time;
  stolen_ = total;
  if (cpu_.kvm_steal_time & kEnabled) (void)add_stolen(memory_, Gpa(cpu_.kvm_steal_time & ~kEnabled), news);
}

bool ParavirtClock::due() const { return changed_ || host_.shared().guest_stopped || steal_due(); }

void ParavirtClock::update() {
  if (steal_due()) write_steal();
  if (changed_ || host_.shared().guest_stopped) write_time();
}

}  // namespace ring1::monitor
