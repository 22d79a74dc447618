// SPDX-License-Identifier: GPL-2.0-only
// KVM's paravirtual clock: registers behind CPUID, records in guest memory, steal time.
#include <gtest/gtest.h>

#include "monitor_machine.h"

namespace ring1::monitor {
namespace {

constexpr uint32_t kOldWall = 0x11, kOldTime = 0x12, kWall = 0x4b564d00, kTime = 0x4b564d01, kSteal = 0x4b564d03;
constexpr uint32_t kAll = 1u << 0 | 1u << 3 | 1u << 5;
constexpr uint64_t kRecord = 0x7000;

// KVM: Documentation/virt/kvm/x86/msr.rst
struct TimeRecord {
  uint32_t version, pad0;
  uint64_t tsc, ns;
  uint32_t mul;
  int8_t shift;
  uint8_t flags, pad[2];
};

class ParavirtClockTest : public ::testing::Test, protected FakeMachine {
 protected:
  ParavirtClock& clock() { return machine.paravirt_clock(); }
  bool write(uint32_t index, uint64_t value, uint32_t features = kAll) {
    return clock().write_msr(features, index, value);
  }
  TimeRecord record() { return world.read<TimeRecord>(kRecord); }
  uint64_t stolen() { return world.read<uint64_t>(kRecord); }
};

TEST_F(ParavirtClockTest, OwnsItsRegisters) {
  for (const uint32_t index : {kOldWall, kOldTime, kWall, kTime, kSteal}) EXPECT_TRUE(ParavirtClock::owns(index));
  for (const uint32_t index : {0x10u, 0x4b564d02u, 0x4b564d04u}) EXPECT_FALSE(ParavirtClock::owns(index));
}

TEST_F(ParavirtClockTest, EachIsBehindItsFeature) {
  uint64_t value;
  EXPECT_FALSE(write(kTime, 1, 1u << 0));
  EXPECT_TRUE(write(kOldTime, 0, 1u << 0));
  EXPECT_FALSE(clock().read_msr(1u << 3, kSteal, &value));
  EXPECT_TRUE(clock().read_msr(1u << 5, kSteal, &value));
}

TEST_F(ParavirtClockTest, OldAndNewNumbersAreOneRegister) {
  uint64_t value;
  ASSERT_TRUE(write(kTime, kRecord));
  ASSERT_TRUE(clock().read_msr(kAll, kOldTime, &value));
  EXPECT_EQ(value, kRecord);
}

TEST_F(ParavirtClockTest, WritesARecordWhenItIsDue) {
  ASSERT_TRUE(write(kTime, kRecord | 1));
  ASSERT_TRUE(clock().due());
  clock().update();
  EXPECT_FALSE(clock().due());
  const TimeRecord first = record();
  EXPECT_EQ(first.version % 2, 0u);
  EXPECT_NE(first.version, 0u);
  EXPECT_NE(first.mul, 0u);
  clock().changed();
  clock().update();
  EXPECT_EQ(record().version, first.version + 2);
  EXPECT_GE(record().ns, first.ns);
  EXPECT_GE(record().tsc, first.tsc);
}

TEST_F(ParavirtClockTest, WithoutTheEnableBitNothingIsWritten) {
  ASSERT_TRUE(write(kTime, kRecord));
  clock().update();
  EXPECT_EQ(record().version, 0u);
  EXPECT_FALSE(clock().due());
}

TEST_F(ParavirtClockTest, ARecordWhereNothingIsHurtsNobody) {
  for (const uint64_t where : {uint64_t{0xd0000000}, uint64_t{1} << 40, ~uint64_t{0} << 12}) {
    ASSERT_TRUE(write(kTime, where | 1));
    clock().update();
    EXPECT_FALSE(clock().due());
  }
  EXPECT_EQ(world.requests(RING1_REQUEST_EXIT), 0u);
}

TEST_F(ParavirtClockTest, ARecordAcrossTwoPages) {
  ASSERT_TRUE(write(kTime, 0x7ff0 | 1));
  clock().update();
  EXPECT_EQ(world.read<uint32_t>(0x7ff0) % 2, 0u);
  EXPECT_NE(world.read<uint32_t>(0x8008), 0u);  // mul
}

TEST_F(ParavirtClockTest, TellsThatTheGuestWasStopped) {
  ASSERT_TRUE(write(kTime, kRecord | 1));
  clock().update();
  EXPECT_EQ(record().flags & 2, 0);
  world.shared.guest_stopped = 1;
  ASSERT_TRUE(clock().due());
  clock().update();
  EXPECT_EQ(record().flags & 2, 2);
  EXPECT_EQ(world.shared.guest_stopped, 0);
}

TEST_F(ParavirtClockTest, AStableTscIsSaidToBeSo) {
  world.shared.config.tsc_stable = 1;
  ASSERT_TRUE(write(kTime, kRecord | 1));
  clock().update();
  EXPECT_EQ(record().flags & 1, 1);
}

TEST_F(ParavirtClockTest, TheWallClockIsWrittenAtOnce) {
  ASSERT_TRUE(write(kWall, kRecord));
  EXPECT_EQ(world.requests(RING1_REQUEST_WALL_CLOCK), 1u);
  EXPECT_EQ(world.read<uint32_t>(kRecord) % 2, 0u);
  EXPECT_NEAR(world.read<uint32_t>(kRecord + 4), 1'700'000'000.0, 60);
}

TEST_F(ParavirtClockTest, ActiveTimeBeganWithTheMachine) {
  world.shared.config.active_time = 1;
  world.shared.config.created_ns = 1'600'000'000'000'000'000;
  ASSERT_TRUE(write(kWall, kRecord));
  EXPECT_EQ(world.read<uint32_t>(kRecord + 4), 1'600'000'000u);
  EXPECT_EQ(world.requests(RING1_REQUEST_WALL_CLOCK), 0u);
}

TEST_F(ParavirtClockTest, WhatWasStolenBeforeIsNotTold) {
  world.shared.stats.stolen_ns = 1000;
  ASSERT_TRUE(write(kSteal, kRecord | 1));
  clock().update();
  EXPECT_EQ(stolen(), 0u);
  world.shared.stats.stolen_ns = 1500;
  ASSERT_TRUE(clock().due());
  clock().update();
  EXPECT_EQ(stolen(), 500u);
  EXPECT_FALSE(clock().due());
}

TEST_F(ParavirtClockTest, StealTimeWantsAnAlignedAddress) {
  EXPECT_FALSE(write(kSteal, kRecord | 0x21));
  EXPECT_TRUE(write(kSteal, kRecord | 0x41));
}

TEST_F(ParavirtClockTest, RecordsAreToldLikeAnyStore) {
  struct Stores final : StoreWatcher {
    void stored(Gpa where, unsigned size) override { seen |= where.page().raw() == kRecord && size; }
    bool seen = false;
  } stores;
  machine.set_store_watcher(&stores);
  ASSERT_TRUE(write(kTime, kRecord | 1));
  clock().update();
  EXPECT_TRUE(stores.seen);
}

}  // namespace
}  // namespace ring1::monitor
