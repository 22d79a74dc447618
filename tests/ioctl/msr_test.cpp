// SPDX-License-Identifier: GPL-2.0-only
// KVM_GET_MSRS and KVM_SET_MSRS.
#include "check.h"
#include "machine.h"

using namespace ring1::ioctl_test;

namespace {

using Msrs = List<kvm_msrs, kvm_msr_entry, 8>;

long set(const Vcpu& vcpu, uint32_t index, uint64_t value) {
  Msrs msrs;
  msrs.head().nmsrs = 1;
  msrs.entries()[0].index = index;
  msrs.entries()[0].data = value;
  return vcpu.call(kSetMsrs, msrs.address());
}

uint64_t get(const Vcpu& vcpu, uint32_t index) {
  Msrs msrs;
  msrs.head().nmsrs = 1;
  msrs.entries()[0].index = index;
  CHECK_EQ(vcpu.call(kGetMsrs, msrs.address()), 1);
  return msrs.entries()[0].data;
}

}  // namespace

TEST(msr_round_trip) {
  Vm vm;
  Vcpu vcpu(vm);
  CHECK_EQ(set(vcpu, 0x174, 0x60), 1);
  CHECK_EQ(get(vcpu, 0x174), 0x60);
  CHECK_EQ(set(vcpu, 0x176, 0xc0100000), 1);
  CHECK_EQ(get(vcpu, 0x176), 0xc0100000);
  CHECK_EQ(get(vcpu, 0x277), 0x0007040600070406);
}

TEST(msr_time_stamp_counter) {
  Vm vm;
  Vcpu vcpu(vm);
  CHECK_EQ(set(vcpu, 0x10, 1ull << 40), 1);
  const uint64_t first = get(vcpu, 0x10), second = get(vcpu, 0x10);
  CHECK(first >= 1ull << 40 && second >= first && second < (1ull << 40) + (1ull << 38));
}

TEST(msr_mtrr) {
  Vm vm;
  Vcpu vcpu(vm);
  CHECK_EQ(get(vcpu, 0xfe) & 0xff, 8);
  CHECK_EQ(set(vcpu, 0x2ff, 0xc06), 1);
  CHECK_EQ(get(vcpu, 0x2ff), 0xc06);
  CHECK_EQ(set(vcpu, 0x250, 0x0606060606060606), 1);
  CHECK_EQ(get(vcpu, 0x250), 0x0606060606060606);
  CHECK_EQ(set(vcpu, 0x200, 0x80000000), 1);
  CHECK_EQ(get(vcpu, 0x200), 0x80000000);
}

TEST(msr_refused) {
  Vm vm;
  Vcpu vcpu(vm);
  CHECK_EQ(set(vcpu, 0x277, 0x0202020202020202), 0);  // PAT: reserved type
  CHECK_EQ(set(vcpu, 0x2ff, 0x2), 0);
  CHECK_EQ(set(vcpu, 0x12345678, 0), 0);
  CHECK_EQ(set(vcpu, 0xc0000080, 1ull << 1), 0);
}

TEST(msr_stops_at_the_first_failure) {
  Vm vm;
  Vcpu vcpu(vm);
  Msrs msrs;
  msrs.head().nmsrs = 3;
  msrs.entries()[0] = {0x174, 0, 0x10};
  msrs.entries()[1] = {0x12345678, 0, 1};
  msrs.entries()[2] = {0x175, 0, 0x20};
  CHECK_EQ(vcpu.call(kSetMsrs, msrs.address()), 1);
  CHECK_EQ(get(vcpu, 0x174), 0x10);
  CHECK_EQ(get(vcpu, 0x175), 0);
  CHECK_EQ(vcpu.call(kGetMsrs, msrs.address()), 1);
  msrs.head().nmsrs = 0;
  CHECK_EQ(vcpu.call(kGetMsrs, msrs.address()), 0);
  msrs.head().nmsrs = 100000;
  CHECK_EQ(vcpu.call(kGetMsrs, msrs.address()), -E2BIG);
  CHECK_EQ(vcpu.call(kGetMsrs, 8ul), -EFAULT);
}

// What a VMM sets at each reset, whether or not the guest looks at it.
TEST(msr_machine_check_banks) {
  Vm vm;
  Vcpu vcpu(vm);
  constexpr uint32_t kBank9Ctl = 0x424, kBank9Status = 0x425;
  CHECK(get(vcpu, 0x179) >= 10);
  CHECK_EQ(set(vcpu, kBank9Ctl, ~0ull), 1);
  CHECK_EQ(get(vcpu, kBank9Ctl), ~0ull);
  CHECK_EQ(set(vcpu, kBank9Ctl, 4), 0);
  CHECK_EQ(set(vcpu, kBank9Status, 1ull << 63), 1);
  CHECK_EQ(get(vcpu, kBank9Status), 1ull << 63);
}

// The paravirtual clock. Its old and new numbers are the same registers.
TEST(msr_kvmclock) {
  Vm vm;
  Vcpu vcpu(vm);
  CHECK_EQ(get(vcpu, 0x4b564d01), 0);
  CHECK_EQ(set(vcpu, 0x4b564d01, 0x5001), 1);
  CHECK_EQ(get(vcpu, 0x12), 0x5001);
  CHECK_EQ(set(vcpu, 0x12, 0x6001), 1);
  CHECK_EQ(get(vcpu, 0x4b564d01), 0x6001);
  CHECK_EQ(set(vcpu, 0x4b564d00, 0x7000), 1);
  CHECK_EQ(get(vcpu, 0x11), 0x7000);
  CHECK_EQ(set(vcpu, 0x4b564d03, 0x8041), 1);
  CHECK_EQ(get(vcpu, 0x4b564d03), 0x8041);
  for (unsigned bit = 1; bit < 6; ++bit) CHECK_EQ(set(vcpu, 0x4b564d03, 0x8001 | 1 << bit), 0);
}
