// SPDX-License-Identifier: GPL-2.0-only
// The 8259 pair through its ports, as the data sheet describes it.
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "irqchip/irq_chip.h"

namespace ring1::irqchip {
namespace {

class PicTest : public ::testing::Test, public LineListener {
 protected:
  PicTest() {
    chip.set_listener(this);
    chip.set_apic_base(kDefaultApicBase);  // local APIC off: INTR is the 8259's
    initialize();
  }
  void initialize(uint8_t icw4 = 0x01) {
    for (uint16_t port : {0x20, 0xa0}) {
      out(port, 0x11);
      out(port + 1, port == 0x20 ? 0x30 : 0x38);
      out(port + 1, port == 0x20 ? 0x04 : 0x02);
      out(port + 1, icw4);
    }
    ended.clear();
  }
  void out(uint16_t port, uint8_t value) { ASSERT_TRUE(chip.io_write(port, 1, value)); }
  uint32_t in(uint16_t port) {
    uint32_t value = 0;
    EXPECT_TRUE(chip.io_read(port, 1, &value));
    return value;
  }
  Delivery pulse(unsigned gsi) {
    const Delivery result = chip.set_line(gsi, true);
    chip.set_line(gsi, false);
    return result;
  }
  uint32_t isr(uint16_t port) {
    out(port, 0x0b);
    return in(port);
  }
  uint32_t irr(uint16_t port) {
    out(port, 0x0a);
    return in(port);
  }
  void line_ended(unsigned gsi) override { ended.push_back(gsi); }

  std::vector<unsigned> ended;
  IrqChip chip;
};

TEST_F(PicTest, InitializationSetsVectorsAndClearsTheMask) {
  out(0x21, 0xff);
  initialize();
  EXPECT_EQ(in(0x21), 0u);
  pulse(4);
  ASSERT_TRUE(chip.has_interrupt());
  EXPECT_EQ(chip.acknowledge(), 0x34);
  EXPECT_FALSE(chip.has_interrupt());
  EXPECT_EQ(chip.acknowledge(), -1);
}

TEST_F(PicTest, MaskHoldsBackButLatches) {
  out(0x21, 0x10);
  EXPECT_EQ(pulse(4), Delivery::kMasked);
  EXPECT_FALSE(chip.has_interrupt());
  EXPECT_EQ(irr(0x20), 0x10u);
  out(0x21, 0);
  EXPECT_EQ(chip.acknowledge(), 0x34);
  EXPECT_EQ(irr(0x20), 0u);
  EXPECT_EQ(isr(0x20), 0x10u);
}

TEST_F(PicTest, FullyNestedPriorities) {
  pulse(3);
  pulse(5);
  EXPECT_EQ(chip.acknowledge(), 0x33);
  EXPECT_FALSE(chip.has_interrupt());  // 5 is below 3 in service
  pulse(1);
  EXPECT_EQ(chip.acknowledge(), 0x31);
  EXPECT_EQ(isr(0x20), 0x0au);
  out(0x20, 0x20);  // non-specific: the best in service
  EXPECT_EQ(isr(0x20), 0x08u);
  out(0x20, 0x63);  // specific
  EXPECT_EQ(chip.acknowledge(), 0x35);
  EXPECT_EQ(ended, (std::vector<unsigned>{1, 3}));
}

TEST_F(PicTest, AnEdgeNeedsTheLineToFall) {
  EXPECT_EQ(chip.set_line(4, true), Delivery::kDelivered);
  EXPECT_EQ(chip.set_line(4, true), Delivery::kCoalesced);
  chip.acknowledge();
  out(0x20, 0x20);
  chip.set_line(4, true);
  EXPECT_FALSE(chip.has_interrupt());
  chip.set_line(4, false);
  chip.set_line(4, true);
  EXPECT_TRUE(chip.has_interrupt());
}

TEST_F(PicTest, ALevelComesAgainUntilItFalls) {
  out(0x4d0, 0x20);
  chip.set_line(5, true);
  EXPECT_EQ(chip.acknowledge(), 0x35);
  EXPECT_FALSE(chip.has_interrupt());
  out(0x20, 0x20);
  EXPECT_EQ(chip.acknowledge(), 0x35);
  chip.set_line(5, false);
  out(0x20, 0x20);
  EXPECT_FALSE(chip.has_interrupt());
}

TEST_F(PicTest, ElcrKeepsTheFixedLinesOnEdges) {
  out(0x4d0, 0xff);
  out(0x4d1, 0xff);
  EXPECT_EQ(in(0x4d0), 0xf8u);
  EXPECT_EQ(in(0x4d1), 0xdeu);
}

TEST_F(PicTest, CascadeNeedsTwoEois) {
  pulse(12);
  EXPECT_EQ(chip.acknowledge(), 0x3c);
  EXPECT_EQ(isr(0x20), 0x04u);
  EXPECT_EQ(isr(0xa0), 0x10u);
  pulse(9);
  EXPECT_FALSE(chip.has_interrupt());  // the master holds IR2 in service
  out(0x20, 0x20);
  EXPECT_EQ(chip.acknowledge(), 0x39);  // better than 12, so the slave asks again
  out(0xa0, 0x20);
  out(0x20, 0x20);
  pulse(14);
  EXPECT_FALSE(chip.has_interrupt());
  out(0xa0, 0x20);
  EXPECT_EQ(chip.acknowledge(), 0x3e);
  EXPECT_EQ(ended, (std::vector<unsigned>{2, 9, 2, 12}));
}

TEST_F(PicTest, SpecialFullyNestedMasterTakesBetterSlaveRequests) {
  initialize(0x11);
  pulse(12);
  EXPECT_EQ(chip.acknowledge(), 0x3c);
  pulse(9);
  EXPECT_EQ(chip.acknowledge(), 0x39);
}

TEST_F(PicTest, AutoEoi) {
  initialize(0x03);
  pulse(3);
  EXPECT_EQ(chip.acknowledge(), 0x33);
  EXPECT_EQ(isr(0x20), 0u);
  EXPECT_EQ(ended, (std::vector<unsigned>{3}));
}

TEST_F(PicTest, Rotation) {
  pulse(4);
  pulse(6);
  EXPECT_EQ(chip.acknowledge(), 0x34);
  out(0x20, 0xa0);  // rotate on non-specific EOI: 4 becomes the lowest
  pulse(4);
  EXPECT_EQ(chip.acknowledge(), 0x36);
  out(0x20, 0xe6);  // rotate on specific EOI: 6 the lowest
  out(0x20, 0xc2);  // set priority: 2 the lowest, 3 the best
  pulse(1);
  EXPECT_EQ(chip.acknowledge(), 0x34);
}

TEST_F(PicTest, SpecialMaskModeLetsLowerOnesIn) {
  pulse(2 + 1);
  EXPECT_EQ(chip.acknowledge(), 0x33);
  out(0x21, 0x08);
  pulse(6);
  EXPECT_FALSE(chip.has_interrupt());
  out(0x20, 0x68);
  EXPECT_EQ(chip.acknowledge(), 0x36);
  out(0x20, 0x20);  // does not end the masked 3
  EXPECT_EQ(isr(0x20), 0x08u);
  out(0x20, 0x48);
  EXPECT_FALSE(chip.has_interrupt());
}

TEST_F(PicTest, Poll) {
  out(0x20, 0x0c);
  EXPECT_EQ(in(0x20), 0u);
  pulse(6);
  out(0x20, 0x0c);
  EXPECT_EQ(in(0x20), 0x86u);
  EXPECT_EQ(isr(0x20), 0x40u);
}

TEST_F(PicTest, StateRoundTrip) {
  pulse(12);
  chip.acknowledge();
  pulse(3);
  out(0x21, 0x81);
  IrqChip copy;
  copy.set_apic_base(kDefaultApicBase);
  for (uint32_t id : {KVM_IRQCHIP_PIC_MASTER, KVM_IRQCHIP_PIC_SLAVE}) {
    kvm_irqchip state = {.chip_id = id}, again = {.chip_id = id};
    ASSERT_TRUE(chip.save(&state));
    ASSERT_TRUE(copy.restore(state));
    ASSERT_TRUE(copy.save(&again));
    EXPECT_EQ(std::memcmp(&state, &again, sizeof state), 0);
  }
  EXPECT_FALSE(copy.has_interrupt());
  copy.io_write(0x20, 1, 0x20);
  EXPECT_EQ(copy.acknowledge(), 0x33);
  kvm_irqchip bad = {.chip_id = 3};
  EXPECT_FALSE(copy.restore(bad));
}

TEST_F(PicTest, OnlyByteAccessesAtItsOwnPorts) {
  uint32_t value;
  EXPECT_FALSE(chip.io_read(0x20, 2, &value));
  EXPECT_FALSE(chip.io_read(0x22, 1, &value));
  EXPECT_FALSE(chip.io_write(0x4d2, 1, 0));
}

}  // namespace
}  // namespace ring1::irqchip
