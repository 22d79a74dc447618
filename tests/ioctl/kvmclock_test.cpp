// SPDX-License-Identifier: GPL-2.0-only
// The record of the paravirtual clock in guest memory, as user space sees and moves it.
#include <cstring>

#include "check.h"
#include "machine.h"

using namespace ring1::ioctl_test;

namespace {

constexpr uint32_t kSystemTime = 0x4b564d01, kTsc = 0x10;
constexpr uint64_t kSecond = 1'000'000'000, kPlace = 0x5000;
constexpr uint8_t kHlt = 0xf4;

struct Record {
  uint32_t version, pad;
  uint64_t tsc, ns;
  uint32_t multiplier;
  int8_t shift;
  uint8_t flags, pad2[2];
};
constexpr uint8_t kGuestStopped = 2;

void set(const Fd& vcpu, uint32_t index, uint64_t value) {
  List<kvm_msrs, kvm_msr_entry, 1> list;
  list.head().nmsrs = 1;
  list.entries()->index = index;
  list.entries()->data = value;
  CHECK_EQ(vcpu.call(kSetMsrs, list.address()), 1);
}

uint64_t clock_of(const Fd& vm) {
  kvm_clock_data clock{};
  CHECK_EQ(vm.call(KVM_GET_CLOCK, &clock), 0);
  return clock.clock;
}

// Lets the guest run to its next HLT.
Record next_record(RealMode& machine) {
  CHECK_EQ(machine.vcpu.run(), 0);
  Record record;
  std::memcpy(&record, machine.memory.data() + kPlace, sizeof record);
  CHECK_EQ(record.version % 2, 0);
  return record;
}

}  // namespace

TEST(kvmclock_record_follows_user_space) {
  SKIP_UNLESS(options.guest, "no guest code wanted");
  RealMode machine({kHlt, kHlt, kHlt, kHlt});
  set(machine.vcpu, kSystemTime, kPlace | 1);
  const Record first = next_record(machine);
  CHECK(first.version != 0 && first.multiplier != 0);
  CHECK(first.ns <= clock_of(machine.vm));
  kvm_clock_data clock{};
  clock.clock = 1000 * kSecond;
  CHECK_EQ(machine.vm.call(KVM_SET_CLOCK, &clock), 0);
  const Record moved = next_record(machine);
  CHECK(moved.version != first.version);
  CHECK(moved.ns >= 1000 * kSecond && moved.ns <= clock_of(machine.vm));
  set(machine.vcpu, kTsc, 1ull << 50);
  const Record counted = next_record(machine);
  CHECK(counted.tsc >= 1ull << 50 && counted.ns >= moved.ns);
}

TEST(kvmclock_ctrl) {
  SKIP_UNLESS(options.guest, "no guest code wanted");
  RealMode machine({kHlt, kHlt, kHlt});
  CHECK(machine.vm.call(KVM_CHECK_EXTENSION, static_cast<unsigned long>(KVM_CAP_KVMCLOCK_CTRL)) > 0);
  CHECK_EQ(machine.vcpu.call(KVM_KVMCLOCK_CTRL), -EINVAL);
  set(machine.vcpu, kSystemTime, kPlace | 1);
  CHECK(!(next_record(machine).flags & kGuestStopped));
  CHECK_EQ(machine.vcpu.call(KVM_KVMCLOCK_CTRL), 0);
  CHECK(next_record(machine).flags & kGuestStopped);
}

// A device's write, and so a page that a migration must copy.
TEST(kvmclock_record_in_dirty_log) {
  SKIP_UNLESS(options.guest, "no guest code wanted");
  RealMode machine({kHlt, kHlt, kHlt});
  set(machine.vcpu, kSystemTime, kPlace | 1);
  next_record(machine);
  CHECK_EQ(machine.vm.set_region(0, 0, machine.memory, machine.memory.size(), KVM_MEM_LOG_DIRTY_PAGES), 0);
  uint64_t bitmap = 0;
  kvm_dirty_log log{};
  log.dirty_bitmap = &bitmap;
  CHECK_EQ(machine.vm.call(KVM_GET_DIRTY_LOG, &log), 0);
  kvm_clock_data clock{};
  clock.clock = 5 * kSecond;
  CHECK_EQ(machine.vm.call(KVM_SET_CLOCK, &clock), 0);
  CHECK(next_record(machine).ns >= 5 * kSecond);
  bitmap = 0;
  CHECK_EQ(machine.vm.call(KVM_GET_DIRTY_LOG, &log), 0);
  CHECK(bitmap >> kPlace / 4096 & 1);
}

// A read-only slot is not written, and the guest goes on.
TEST(kvmclock_record_in_read_only_memory) {
  SKIP_UNLESS(options.guest, "no guest code wanted");
  RealMode machine({kHlt, kHlt});
  Memory rom(4096);
  std::memset(rom.data(), 0x55, rom.size());
  CHECK_EQ(machine.vm.set_region(1, 0x100000, rom, rom.size(), KVM_MEM_READONLY), 0);
  set(machine.vcpu, kSystemTime, 0x100001);
  CHECK_EQ(machine.vcpu.run(), 0);
  for (size_t i = 0; i < sizeof(Record); i++) CHECK_EQ(rom.data()[i], 0x55);
}
