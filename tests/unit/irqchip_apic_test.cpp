// SPDX-License-Identifier: GPL-2.0-only
// I/O APIC and local APIC through their memory.
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "irqchip/irq_chip.h"

namespace ring1::irqchip {
namespace {

class ApicTest : public ::testing::Test, public LineListener {
 protected:
  static constexpr uint32_t kMasked = 0x10000, kLevel = 0x8000;

  ApicTest() {
    chip.set_listener(this);
    write(kApicSvr, 0x1ff);
    write(kApicLvtLint0, kMasked);
  }
  void write(uint32_t offset, uint32_t value) {
    ASSERT_TRUE(chip.mmio_write(Gpa(kDefaultApicBase + offset), 4, value, now));
  }
  uint32_t read(uint32_t offset) {
    uint64_t value = 0;
    EXPECT_TRUE(chip.mmio_read(Gpa(kDefaultApicBase + offset), 4, &value, now));
    return static_cast<uint32_t>(value);
  }
  void io(uint32_t index, uint32_t value) {
    chip.mmio_write(Gpa(kIoApicBase), 4, index, now);
    chip.mmio_write(Gpa(kIoApicBase + 0x10), 4, value, now);
  }
  uint32_t io(uint32_t index) {
    uint64_t value = 0;
    chip.mmio_write(Gpa(kIoApicBase), 4, index, now);
    chip.mmio_read(Gpa(kIoApicBase + 0x10), 4, &value, now);
    return static_cast<uint32_t>(value);
  }
  void pin(unsigned number, uint32_t low, uint32_t high = 0) {
    io(0x11 + 2 * number, high);
    io(0x10 + 2 * number, low);
  }
  Delivery pulse(unsigned gsi) {
    const Delivery result = chip.set_line(gsi, true);
    chip.set_line(gsi, false);
    return result;
  }
  void line_ended(unsigned gsi) override { ended.push_back(gsi); }

  std::vector<unsigned> ended;
  uint64_t now = 1000;
  IrqChip chip;
};

TEST_F(ApicTest, Identity) {
  EXPECT_EQ(read(kApicVersion), 0x50014u);
  EXPECT_EQ(io(1), 0x170011u);
  io(0, 0x05000000);
  EXPECT_EQ(io(0), 0x05000000u);
  EXPECT_EQ(io(0x10), kMasked);
  EXPECT_FALSE(chip.owns(Gpa(0xfed00000)));
}

TEST_F(ApicTest, EdgeThroughTheIoApic) {
  pin(4, 0x44);
  EXPECT_EQ(pulse(4), Delivery::kDelivered);
  EXPECT_EQ(pulse(4), Delivery::kCoalesced);
  ASSERT_TRUE(chip.has_interrupt());
  EXPECT_EQ(chip.acknowledge(), 0x44);
  EXPECT_FALSE(chip.has_interrupt());
  EXPECT_EQ(read(kApicIsr + 0x20), 1u << 4);
  EXPECT_EQ(pulse(4), Delivery::kDelivered);  // waits behind the one in service
  EXPECT_FALSE(chip.has_interrupt());
  write(kApicEoi, 0);
  EXPECT_EQ(ended, (std::vector<unsigned>{4}));
  EXPECT_EQ(chip.acknowledge(), 0x44);
}

TEST_F(ApicTest, TheTimerIsOnPin2) {
  pin(2, 0x30);
  EXPECT_EQ(pulse(0), Delivery::kDelivered);
  EXPECT_EQ(chip.acknowledge(), 0x30);
  write(kApicEoi, 0);
  EXPECT_EQ(ended, (std::vector<unsigned>{0}));
  EXPECT_EQ(pulse(2), Delivery::kMasked);
}

TEST_F(ApicTest, LevelSetsRemoteIrrAndComesAgain) {
  pin(20, 0x50 | kLevel);
  chip.set_line(20, true);
  EXPECT_EQ(io(0x10 + 40), 0x50u | kLevel | 1u << 14);
  EXPECT_EQ(chip.acknowledge(), 0x50);
  EXPECT_EQ(read(kApicTmr + 0x20), 1u << 16);
  write(kApicEoi, 0);
  EXPECT_EQ(chip.acknowledge(), 0x50);  // still asserted
  chip.set_line(20, false);
  write(kApicEoi, 0);
  EXPECT_FALSE(chip.has_interrupt());
  EXPECT_EQ(io(0x10 + 40), 0x50u | kLevel);
}

TEST_F(ApicTest, AMaskedLevelIsSentWhenUnmasked) {
  pin(20, 0x50 | kLevel | kMasked);
  EXPECT_EQ(chip.set_line(20, true), Delivery::kMasked);
  pin(20, 0x50 | kLevel);
  EXPECT_EQ(chip.acknowledge(), 0x50);
}

TEST_F(ApicTest, AMaskedEdgeIsLost) {
  pin(5, 0x51 | kMasked);
  EXPECT_EQ(pulse(5), Delivery::kMasked);
  pin(5, 0x51);
  EXPECT_FALSE(chip.has_interrupt());
}

TEST_F(ApicTest, Destinations) {
  pin(5, 0x51, 0x01000000);  // physical, another ID
  EXPECT_EQ(pulse(5), Delivery::kMasked);
  pin(5, 0x51, 0xff000000);
  EXPECT_EQ(pulse(5), Delivery::kDelivered);
  write(kApicLdr, 0x02000000);
  pin(6, 0x61 | 1 << 11, 0x01000000);  // logical, flat
  EXPECT_EQ(pulse(6), Delivery::kMasked);
  pin(6, 0x61 | 1 << 11, 0x03000000);
  EXPECT_EQ(pulse(6), Delivery::kDelivered);
  write(kApicDfr, 0x0fffffff);  // cluster
  write(kApicLdr, 0x12000000);
  pin(7, 0x71 | 1 << 11, 0x22000000);
  EXPECT_EQ(pulse(7), Delivery::kMasked);
  pin(7, 0x71 | 1 << 11 | 1 << 8, 0x12000000);
  EXPECT_EQ(pulse(7), Delivery::kDelivered);
}

TEST_F(ApicTest, PrioritiesByClass) {
  pin(4, 0x44);
  pin(5, 0x45);
  pin(6, 0x56);
  pulse(4);
  EXPECT_EQ(chip.acknowledge(), 0x44);
  EXPECT_EQ(read(kApicPpr), 0x40u);
  pulse(5);
  EXPECT_FALSE(chip.has_interrupt());  // same class
  pulse(6);
  EXPECT_EQ(chip.acknowledge(), 0x56);
  write(kApicEoi, 0);
  write(kApicEoi, 0);
  write(kApicTpr, 0x4f);
  EXPECT_FALSE(chip.has_interrupt());
  EXPECT_EQ(chip.cr8(), 4u);
  chip.set_cr8(3);
  EXPECT_EQ(chip.acknowledge(), 0x45);
}

TEST_F(ApicTest, NmiThroughPinAndIcr) {
  pin(9, 0x400);
  pulse(9);
  EXPECT_TRUE(chip.take_nmi());
  EXPECT_FALSE(chip.take_nmi());
  write(kApicIcrLow, 4 << 8 | 1 << 18);
  EXPECT_TRUE(chip.nmi_pending());
}

TEST_F(ApicTest, IcrReachesTheOnlyProcessor) {
  write(kApicIcrLow, 0x61 | 1 << 18);  // self
  EXPECT_EQ(chip.acknowledge(), 0x61);
  write(kApicIcrLow, 0x71 | 2 << 18);  // all
  EXPECT_EQ(chip.acknowledge(), 0x71);
  write(kApicIcrLow, 0x81 | 3 << 18);  // all but self
  EXPECT_FALSE(chip.has_interrupt());
  write(kApicIcrHigh, 0);
  write(kApicIcrLow, 0x91);
  EXPECT_EQ(chip.acknowledge(), 0x91);
  write(kApicIcrHigh, 0x05000000);
  write(kApicIcrLow, 0xa1);
  EXPECT_FALSE(chip.has_interrupt());
  write(kApicIcrLow, 0x500 | 2 << 18);  // INIT
  EXPECT_EQ(read(kApicIcrLow) & 1u << 12, 0u);
}

TEST_F(ApicTest, ErrorsAreLatchedByAWrite) {
  write(kApicLvtError, 0xfe);
  write(kApicIcrLow, 0x05 | 1 << 18);  // an illegal vector
  EXPECT_EQ(read(kApicEsr), 0u);
  EXPECT_EQ(chip.acknowledge(), 0xfe);
  write(kApicEsr, 0);
  EXPECT_EQ(read(kApicEsr), 1u << 5);
  write(kApicEsr, 0);
  EXPECT_EQ(read(kApicEsr), 0u);
}

TEST_F(ApicTest, SoftwareDisableMasksTheLvt) {
  write(kApicLvtTimer, 0x31);
  write(kApicSvr, 0xff);
  EXPECT_EQ(read(kApicLvtTimer), 0x31u | kMasked);
  write(kApicLvtTimer, 0x31);
  EXPECT_EQ(read(kApicLvtTimer), 0x31u | kMasked);
  pin(4, 0x44);
  EXPECT_EQ(pulse(4), Delivery::kMasked);
  write(kApicSvr, 0x1ff);
  EXPECT_EQ(pulse(4), Delivery::kDelivered);
}

TEST_F(ApicTest, VirtualWire) {
  for (uint8_t value : {0x11, 0x30, 0x04, 0x01}) chip.io_write(value == 0x11 ? 0x20 : 0x21, 1, value);
  EXPECT_EQ(pulse(0), Delivery::kMasked);  // LINT0 is masked, and so is the I/O APIC
  EXPECT_FALSE(chip.has_interrupt());
  write(kApicLvtLint0, 0x700);
  EXPECT_EQ(chip.acknowledge(), 0x30);
  chip.io_write(0x20, 1, 0x20);
  write(kApicLvtLint0, kMasked);
  pin(0, 0x700);  // through the I/O APIC
  EXPECT_EQ(pulse(1), Delivery::kDelivered);
  EXPECT_EQ(chip.acknowledge(), 0x31);
  chip.io_write(0x20, 1, 0x20);
  pin(0, kMasked);
  write(kApicLvtLint0, 0x40);  // fixed
  pulse(3);
  EXPECT_EQ(chip.acknowledge(), 0x40);
}

TEST_F(ApicTest, AfterResetTheVirtualWireIsUp) {
  chip.reset();
  for (uint8_t value : {0x11, 0x30, 0x04, 0x01}) chip.io_write(value == 0x11 ? 0x20 : 0x21, 1, value);
  EXPECT_EQ(pulse(0), Delivery::kDelivered);
  EXPECT_EQ(chip.acknowledge(), 0x30);
}

TEST_F(ApicTest, OneShotTimer) {
  write(kApicDivide, 0xb);  // 1
  write(kApicLvtTimer, 0x31);
  write(kApicInitialCount, 5000);
  EXPECT_EQ(chip.next_deadline(), 6000u);
  now = 3000;
  EXPECT_EQ(read(kApicCurrentCount), 3000u);
  chip.advance(5999);
  EXPECT_FALSE(chip.has_interrupt());
  now = 6000;
  chip.advance(now);
  EXPECT_EQ(chip.acknowledge(), 0x31);
  EXPECT_EQ(read(kApicCurrentCount), 0u);
  EXPECT_EQ(chip.next_deadline(), kNoDeadline);
}

TEST_F(ApicTest, DividesAsConfigured) {
  const struct {
    uint32_t code;
    unsigned divider;
  } kTable[] = {{0, 2}, {1, 4}, {2, 8}, {3, 16}, {8, 32}, {9, 64}, {10, 128}, {11, 1}};
  for (auto [code, divider] : kTable) {
    write(kApicDivide, code);
    write(kApicInitialCount, 1000);
    EXPECT_EQ(chip.next_deadline(), now + 1000u * divider);
  }
}

TEST_F(ApicTest, PeriodicTimerKeepsItsPhase) {
  write(kApicDivide, 0xb);
  write(kApicLvtTimer, 0x31 | kLvtPeriodic);
  write(kApicInitialCount, 1000000);
  now = 1001500;
  chip.advance(now);
  EXPECT_EQ(chip.acknowledge(), 0x31);
  EXPECT_EQ(chip.next_deadline(), 2001000u);
  now = 2600000;
  chip.advance(now);
  write(kApicEoi, 0);
  EXPECT_EQ(chip.acknowledge(), 0x31);
  EXPECT_EQ(chip.next_deadline(), 3001000u);
  EXPECT_EQ(read(kApicCurrentCount), 401000u);
  write(kApicInitialCount, 0);
  EXPECT_EQ(chip.next_deadline(), kNoDeadline);
}

// A guest that did not run for a while and then takes every interrupt at once.
TEST_F(ApicTest, MissedTicksComeInARow) {
  write(kApicDivide, 0xb);
  write(kApicLvtTimer, 0x31 | kLvtPeriodic);
  write(kApicInitialCount, 1000000);
  now = 1000 + 10 * 1000000;
  unsigned ticks = 0;
  const auto run_to = [&](uint64_t end) {
    while (chip.next_deadline() <= end) {
      if (chip.next_deadline() > now) now = chip.next_deadline();
      chip.advance(now);
      if (chip.acknowledge() != 0x31) continue;
      ++ticks;
      write(kApicEoi, 0);
    }
    now = end;
  };
  run_to(now);
  EXPECT_EQ(ticks, 1u);
  run_to(1000 + 13 * 1000000);
  EXPECT_EQ(ticks, 13u) << "four in a period";
  run_to(1000 + 50 * 1000000);
  EXPECT_EQ(ticks, 50u) << "caught up, and no more than that";
}

// One that is still in service need not be followed at once: the host is not asked for a timer again and again.
TEST_F(ApicTest, MissedTicksWaitForTheEnd) {
  write(kApicDivide, 0xb);
  write(kApicLvtTimer, 0x31 | kLvtPeriodic);
  write(kApicInitialCount, 1000000);
  now = 1000 + 10 * 1000000 + 1000;
  chip.advance(now);
  EXPECT_EQ(chip.acknowledge(), 0x31);
  EXPECT_GE(chip.next_deadline(), now + 400000);
  now += 100000;
  write(kApicEoi, 0);
  EXPECT_EQ(chip.next_deadline(), now + 250000) << "a quarter of the period";
  now += 250000;
  chip.advance(now);
  EXPECT_EQ(chip.acknowledge(), 0x31);
}

// Nor while it is in service, or its handler works on behind the EOI.
TEST_F(ApicTest, MissedTicksWaitForTheHandler) {
  write(kApicDivide, 0xb);
  write(kApicLvtTimer, 0x31 | kLvtPeriodic);
  write(kApicInitialCount, 1000000);
  now = 1000 + 10 * 1000000 + 1000;
  chip.advance(now);
  EXPECT_EQ(chip.acknowledge(), 0x31);
  now += 500000;
  ASSERT_TRUE(chip.makes_up_now(now));
  chip.advance(now);
  EXPECT_FALSE(chip.has_interrupt()) << "in service";
  write(kApicEoi, 0);
  now += 250000;
  ASSERT_TRUE(chip.makes_up_now(now));
  chip.advance(now, true);
  write(kApicTpr, 0);
  EXPECT_FALSE(chip.has_interrupt());
  now = 1000 + 11 * 1000000;
  chip.advance(now, true);
  EXPECT_EQ(chip.acknowledge(), 0x31) << "a regular one";
}

TEST_F(ApicTest, AfterALongStopTimeJumps) {
  write(kApicDivide, 0xb);
  write(kApicLvtTimer, 0x31 | kLvtPeriodic);
  write(kApicInitialCount, 1000000);
  now = uint64_t{3600} * 1000000000;
  unsigned ticks = 0;
  const uint64_t end = now + uint64_t{1} * 1000000000;
  while (chip.next_deadline() <= end) {
    if (chip.next_deadline() > now) now = chip.next_deadline();
    chip.advance(now);
    if (chip.acknowledge() == 0x31) ++ticks, write(kApicEoi, 0);
  }
  EXPECT_NEAR(ticks, 1000 + vtimer::TickBacklog::kMax, 2);
}

TEST_F(ApicTest, AMaskedTimerCountsInSilence) {
  write(kApicDivide, 0xb);
  write(kApicLvtTimer, 0x31 | kMasked);
  write(kApicInitialCount, 1000);
  chip.advance(2000);
  EXPECT_FALSE(chip.has_interrupt());
}

TEST_F(ApicTest, OddAccesses) {
  uint64_t value;
  ASSERT_TRUE(chip.mmio_read(Gpa(kDefaultApicBase + kApicVersion + 2), 1, &value, now));
  EXPECT_EQ(value, 5u);
  ASSERT_TRUE(chip.mmio_write(Gpa(kDefaultApicBase + kApicTpr), 1, 0x30, now));  // ignored
  EXPECT_EQ(read(kApicTpr), 0u);
  ASSERT_TRUE(chip.mmio_write(Gpa(kIoApicBase), 1, 0x01, now));
  ASSERT_TRUE(chip.mmio_read(Gpa(kIoApicBase + 0x10), 4, &value, now));
  EXPECT_EQ(value, 0x170011u);
}

TEST_F(ApicTest, TheApicMovesAndGoes) {
  chip.set_apic_base(0xfea00000 | kApicBaseEnabled);
  EXPECT_TRUE(chip.owns(Gpa(0xfea00020)));
  EXPECT_FALSE(chip.owns(Gpa(kDefaultApicBase)));
  chip.set_apic_base(0xfea00000);
  EXPECT_FALSE(chip.owns(Gpa(0xfea00020)));
}

TEST_F(ApicTest, StateRoundTrip) {
  pin(20, 0x50 | kLevel);
  pin(4, 0x44);
  chip.set_line(20, true);
  pulse(4);
  chip.acknowledge();
  write(kApicDivide, 0xb);
  write(kApicLvtTimer, 0x31 | kLvtPeriodic);
  write(kApicInitialCount, 1000000);
  now += 300000;

  IrqChip copy;
  kvm_irqchip state = {.chip_id = KVM_IRQCHIP_IOAPIC}, again = {.chip_id = KVM_IRQCHIP_IOAPIC};
  kvm_lapic_state lapic, lapic_again;
  chip.save(&state);
  chip.save_lapic(&lapic, now);
  copy.restore_lapic(lapic, 77);
  copy.restore(state);
  copy.save(&again);
  copy.save_lapic(&lapic_again, 77);
  EXPECT_EQ(std::memcmp(&state, &again, sizeof state), 0);
  EXPECT_EQ(std::memcmp(&lapic, &lapic_again, sizeof lapic), 0);
  EXPECT_EQ(copy.next_deadline(), 77u + 700000);
  EXPECT_FALSE(copy.has_interrupt());  // 0x44 waits behind 0x50
}

}  // namespace
}  // namespace ring1::irqchip
