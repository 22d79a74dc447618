// SPDX-License-Identifier: GPL-2.0-only
// The guest's board as the run loop sees it: whose a port is, lines that the host raises, deadlines, clocks, saved
// state.
#include <gtest/gtest.h>

#include <cerrno>

#include "monitor/board/devices.h"
#include "monitor_world.h"

namespace ring1::monitor {
namespace {

constexpr uint16_t kPicData = 0x21, kPicCommand = 0x20, kPitControl = 0x43, kPitChannel0 = 0x40, kSerial = 0x3f8;
constexpr uint64_t kApic = 0xfee00000;

class DevicesTest : public ::testing::Test {
 protected:
  DevicesTest() { start(true); }

  void start(bool chips) {
    world.shared.config.irqchip = world.shared.config.pit = chips;
    world.shared.cpu.apic_base = 0xfee00900;
    devices.start();
    devices.apic_base_written();
    (void)devices.take_touched();
  }
  void out(uint16_t port, uint32_t value) { ASSERT_TRUE(devices.port(port, 1, &value, true)); }
  uint32_t in(uint16_t port, unsigned size = 1) {
    uint32_t value = 0;
    EXPECT_TRUE(devices.port(port, size, &value, false));
    return value;
  }
  // As a PC's firmware does: vectors from 0x30, everything open.
  void open_pic() { out(kPicCommand, 0x11), out(kPicData, 0x30), out(kPicData, 4), out(kPicData, 1), out(kPicData, 0); }
  void line(unsigned gsi, bool level) {
    ring1_irq_queue& queue = world.shared.irq_queue;
    queue.entry[queue.head++ % RING1_IRQ_QUEUE_SIZE] = static_cast<uint16_t>(gsi | level << 15);
  }
  void apic_write(uint32_t offset, uint32_t value) {
    ASSERT_TRUE(devices.memory(Gpa(kApic + offset), reinterpret_cast<uint8_t*>(&value), 4, true));
  }
  // LVT0 as ExtINT and the APIC on, as firmware leaves it: the 8259's lines come through.
  void virtual_wire() { apic_write(0xf0, 0x1ff), apic_write(0x350, 0x700); }
  unsigned exits() const { return world.requests(RING1_REQUEST_EXIT); }

  FakeWorld world;
  Devices devices{world.host};
};

TEST_F(DevicesTest, TheInterruptControllerAnswersItself) {
  open_pic();
  out(kPicData, 0xa5);
  EXPECT_EQ(in(kPicData), 0xa5u);
  EXPECT_EQ(exits(), 0u);
}

TEST_F(DevicesTest, OtherPortsAreUserSpaces) {
  world.answer = [](ring1_exit& exit) {
    exit.io.value = exit.io.port == kSerial && exit.io.size == 2 && !exit.io.out ? 0x1234 : 0;
  };
  EXPECT_EQ(in(kSerial, 2), 0x1234u);
  EXPECT_EQ(exits(), 1u);
  EXPECT_EQ(world.shared.stats.io_exits, 1u);
}

TEST_F(DevicesTest, WithoutChipsEveryPortIsUserSpaces) {
  start(false);
  out(kPicData, 1);
  out(kPitControl, 0x34);
  EXPECT_EQ(exits(), 2u);
}

TEST_F(DevicesTest, WithoutChipsTheApicIsUserSpaces) {
  start(false);
  uint32_t value = 0;
  EXPECT_TRUE(devices.memory(Gpa(kApic + 0x30), reinterpret_cast<uint8_t*>(&value), 4, false));
  EXPECT_EQ(exits(), 1u);
}

TEST_F(DevicesTest, TheApicLiesWhereItsBaseSays) {
  uint32_t value = 0;
  EXPECT_TRUE(devices.memory(Gpa(kApic + 0x30), reinterpret_cast<uint8_t*>(&value), 4, false));
  EXPECT_EQ(exits(), 0u);
  world.shared.cpu.apic_base = 0xd0000900;
  devices.apic_base_written();
  EXPECT_TRUE(devices.memory(Gpa(kApic + 0x30), reinterpret_cast<uint8_t*>(&value), 4, false));
  EXPECT_EQ(exits(), 1u);
}

TEST_F(DevicesTest, ALineOfTheHostBecomesAnInterrupt) {
  virtual_wire();
  open_pic();
  line(4, true);
  EXPECT_FALSE(devices.has_interrupt());  // nobody has looked
  devices.update();
  ASSERT_TRUE(devices.has_interrupt());
  EXPECT_EQ(devices.acknowledge(), 0x34);
  EXPECT_FALSE(devices.has_interrupt());
}

TEST_F(DevicesTest, LinesAreTakenInTheirOrder) {
  virtual_wire();
  open_pic();
  line(4, true), line(4, false);
  devices.update();
  EXPECT_EQ(world.shared.irq_queue.tail, world.shared.irq_queue.head);
  EXPECT_TRUE(devices.has_interrupt());  // an edge is kept
}

TEST_F(DevicesTest, ALineThatFallsMayRiseAgain) {
  virtual_wire();
  open_pic();
  for (unsigned i = 0; i < 3; i++) {
    line(4, true);
    devices.update();
    ASSERT_EQ(devices.acknowledge(), 0x34) << i;
    out(kPicCommand, 0x20);  // EOI
    line(4, false);
    devices.update();
    EXPECT_FALSE(devices.has_interrupt());
  }
}

TEST_F(DevicesTest, TheQueueMayWrap) {
  for (unsigned i = 0; i < 3 * RING1_IRQ_QUEUE_SIZE; i++) {
    line(5, i % 2 == 0);
    devices.update();
  }
  EXPECT_EQ(world.shared.irq_queue.tail, 3u * RING1_IRQ_QUEUE_SIZE);
}

TEST_F(DevicesTest, LinesThatNoChipHasAreHarmless) {
  line(23, true), line(200, true), line(0x7fff, true);
  devices.update();
  EXPECT_FALSE(devices.has_interrupt());
}

TEST_F(DevicesTest, ATouchIsNoticedOnce) {
  (void)in(kPicData);
  EXPECT_TRUE(devices.take_touched());
  EXPECT_FALSE(devices.take_touched());
  devices.set_cr8(3);
  EXPECT_TRUE(devices.take_touched());
}

TEST_F(DevicesTest, ATimerHasADeadline) {
  EXPECT_EQ(devices.deadline_tsc(), 0u);
  out(kPitControl, 0x34), out(kPitChannel0, 0xff), out(kPitChannel0, 0xff);
  EXPECT_NE(devices.deadline_tsc(), 0u);
}

TEST_F(DevicesTest, TheApicTimerHasADeadline) {
  apic_write(0xf0, 0x1ff), apic_write(0x320, 0x40), apic_write(0x380, 1'000'000);
  const uint64_t deadline = devices.deadline_tsc();
  EXPECT_NE(deadline, 0u);
  apic_write(0x380, 0);
  EXPECT_EQ(devices.deadline_tsc(), 0u);
}

TEST_F(DevicesTest, WithoutChipsThereIsNoDeadline) {
  start(false);
  EXPECT_EQ(devices.deadline_tsc(), 0u);
}

TEST_F(DevicesTest, TheClockGoesOnFromWhereItIsSet) {
  world.shared.payload.clock.clock = 5'000'000'000;
  ASSERT_EQ(devices.command(RING1_COMMAND_SET_CLOCK), 0);
  ASSERT_EQ(devices.command(RING1_COMMAND_GET_CLOCK), 0);
  EXPECT_GE(world.shared.payload.clock.clock, 5'000'000'000u);
  EXPECT_LT(world.shared.payload.clock.clock, 65'000'000'000u);
}

TEST_F(DevicesTest, TimeStandsWhereItIsStopped) {
  world.shared.stopped_at = __builtin_ia32_rdtsc();
  ASSERT_EQ(devices.command(RING1_COMMAND_GET_CLOCK), 0);
  const uint64_t first = world.shared.payload.clock.clock;
  ASSERT_EQ(devices.command(RING1_COMMAND_GET_CLOCK), 0);
  EXPECT_EQ(world.shared.payload.clock.clock, first);
}

TEST_F(DevicesTest, TimeThatStoodIsTakenOut) {
  world.shared.stopped_at = __builtin_ia32_rdtsc() + 2'000'000'000;
  ASSERT_EQ(devices.command(RING1_COMMAND_GET_CLOCK), 0);
  const uint64_t before = world.shared.payload.clock.clock;
  devices.time_stood(1'000'000'000);  // a second, at 1 GHz
  ASSERT_EQ(devices.command(RING1_COMMAND_GET_CLOCK), 0);
  EXPECT_EQ(before - world.shared.payload.clock.clock, 1'000'000'000u);
}

TEST_F(DevicesTest, StateGoesOutAndIn) {
  open_pic();
  out(kPicData, 0x5a);
  world.shared.payload.irqchip = {};
  world.shared.payload.irqchip.chip_id = KVM_IRQCHIP_PIC_MASTER;
  ASSERT_EQ(devices.command(RING1_COMMAND_GET_IRQCHIP), 0);
  EXPECT_EQ(world.shared.payload.irqchip.chip.pic.imr, 0x5a);
  world.shared.payload.irqchip.chip.pic.imr = 0x33;
  ASSERT_EQ(devices.command(RING1_COMMAND_SET_IRQCHIP), 0);
  EXPECT_EQ(in(kPicData), 0x33u);
}

TEST_F(DevicesTest, StateOfAChipThatIsNotThere) {
  world.shared.payload.irqchip = {};
  world.shared.payload.irqchip.chip_id = 77;
  EXPECT_EQ(devices.command(RING1_COMMAND_GET_IRQCHIP), -EINVAL);
  EXPECT_EQ(devices.command(RING1_COMMAND_SET_IRQCHIP), -EINVAL);
}

TEST_F(DevicesTest, WhatIsNoCommandOfADevice) { EXPECT_EQ(devices.command(RING1_COMMAND_RUN), -EINVAL); }

TEST_F(DevicesTest, LinesSetBeforeBelongToTheState) {
  open_pic();
  line(4, true);
  world.shared.payload.irqchip = {};
  world.shared.payload.irqchip.chip_id = KVM_IRQCHIP_PIC_MASTER;
  ASSERT_EQ(devices.command(RING1_COMMAND_GET_IRQCHIP), 0);
  EXPECT_TRUE(world.shared.payload.irqchip.chip.pic.irr & 1u << 4);
}

}  // namespace
}  // namespace ring1::monitor
