// SPDX-License-Identifier: GPL-2.0-only
#include <gtest/gtest.h>

#include <string>

#include "vmm/devices/serial.h"

namespace ring1::vmm {
namespace {

enum { kData, kIer, kIir, kLcr, kMcr, kLsr, kMsr, kScr, kFcr = kIir };
constexpr uint8_t kOut2 = 8, kLoop = 0x10, kDlab = 0x80;

class VmmSerial : public ::testing::Test {
 protected:
  uint8_t in(unsigned offset) { return static_cast<uint8_t>(serial_.read(offset, 1)); }
  void out(unsigned offset, uint8_t value) { serial_.write(offset, 1, value); }
  void type(const std::string& text) {
    for (const char c : text) serial_.receive(static_cast<uint8_t>(c));
  }

  std::string sent_;
  bool line_ = false;
  unsigned edges_ = 0;
  Serial serial_{{[this](uint8_t byte) { sent_ += static_cast<char>(byte); },
                  [this](bool level) {
                    EXPECT_NE(level, line_) << "only changes are reported";
                    line_ = level;
                    edges_ += level;
                  }}};
};

TEST_F(VmmSerial, AfterReset) {
  EXPECT_EQ(in(kIir), 0x01);
  EXPECT_EQ(in(kLsr), 0x60);
  EXPECT_EQ(in(kIer), 0);
  EXPECT_EQ(in(kMsr)&0xf0, 0xb0);
  EXPECT_FALSE(line_);
}

TEST_F(VmmSerial, IsA16550A) {
  out(kFcr, 0x01);
  EXPECT_EQ(in(kIir)&0xc0, 0xc0);
  out(kFcr, 0x00);
  EXPECT_EQ(in(kIir)&0xc0, 0x00);
  out(kScr, 0xa5);
  EXPECT_EQ(in(kScr), 0xa5);
  out(kIer, 0xff);
  EXPECT_EQ(in(kIer), 0x0f) << "no bits of later chips";
  out(kMcr, 0xff);
  EXPECT_EQ(in(kMcr), 0x1f);
}

TEST_F(VmmSerial, DivisorLatchHidesDataAndInterruptEnable) {
  out(kIer, 0x05);
  out(kLcr, kDlab | 3);
  out(kData, 0x0c);
  out(kIer, 0x01);
  EXPECT_EQ(in(kData), 0x0c);
  EXPECT_EQ(in(kIer), 0x01);
  out(kLcr, 3);
  EXPECT_EQ(in(kIer), 0x05);
  EXPECT_EQ(sent_, "");
}

TEST_F(VmmSerial, TransmitsAndIsAlwaysReadyAgain) {
  out(kData, 'h');
  EXPECT_EQ(in(kLsr), 0x60);
  out(kData, 'i');
  EXPECT_EQ(sent_, "hi");
}

TEST_F(VmmSerial, EnablingTheTransmitInterruptRaisesIt) {
  out(kMcr, kOut2);
  out(kIer, 0x02);
  EXPECT_TRUE(line_);
  EXPECT_EQ(in(kIir)&0x0f, 0x02);
  EXPECT_FALSE(line_) << "reading the cause clears it";
  EXPECT_EQ(in(kIir)&0x0f, 0x01);
  out(kIer, 0x00);
  out(kIer, 0x02);
  EXPECT_EQ(in(kIir)&0x0f, 0x02) << "Linux' test for the THRE bug";
}

TEST_F(VmmSerial, ABurstCostsOneEdge) {
  out(kMcr, kOut2);
  out(kFcr, 0x01);
  out(kIer, 0x02);
  in(kIir);
  edges_ = 0;
  for (int i = 0; i < 16; i++) out(kData, 'x');
  EXPECT_FALSE(line_);
  serial_.transmitted();
  EXPECT_TRUE(line_);
  EXPECT_EQ(edges_, 1u);
  EXPECT_EQ(in(kIir)&0x0f, 0x02);
}

// As on QEMU.
TEST_F(VmmSerial, InterruptNeedsNoOut2) {
  out(kMcr, 0);
  EXPECT_FALSE(line_);
  out(kIer, 0x02);
  EXPECT_TRUE(line_);
  out(kMcr, kOut2 | kLoop);
  EXPECT_TRUE(line_);
}

TEST_F(VmmSerial, InputWaitsUntilTheGuestListens) {
  out(kMcr, kOut2);
  out(kFcr, 0x01);
  type("abc");
  EXPECT_EQ(in(kLsr), 0x60);
  out(kFcr, 0x07);
  EXPECT_FALSE(line_);
  out(kIer, 0x01);
  EXPECT_TRUE(line_);
  EXPECT_EQ(in(kIir)&0x0f, 0x04);
  EXPECT_EQ(in(kLsr), 0x61);
  EXPECT_EQ(in(kData), 'a');
  EXPECT_EQ(in(kData), 'b');
  EXPECT_TRUE(line_);
  EXPECT_EQ(in(kData), 'c');
  EXPECT_FALSE(line_);
  EXPECT_EQ(in(kLsr), 0x60);
  EXPECT_EQ(in(kData), 0);
}

TEST_F(VmmSerial, PollingGetsInputToo) {
  type("z");
  unsigned polls = 0;
  while (!(in(kLsr)&1) && polls < 100) polls++;
  EXPECT_LT(polls, 16u);
  EXPECT_EQ(in(kData), 'z');
}

TEST_F(VmmSerial, FifoHolds16AndTheRestWaits) {
  out(kFcr, 0x01);
  out(kIer, 0x01);
  type(std::string(20, 'q'));
  EXPECT_EQ(serial_.waiting(), 4u);
  for (int i = 0; i < 20; i++) EXPECT_EQ(in(kData), 'q') << i;
  EXPECT_EQ(in(kLsr), 0x60);
}

TEST_F(VmmSerial, TriggerLevel) {
  out(kFcr, 0xc1);
  out(kIer, 0x01);
  type("x");
  EXPECT_EQ(in(kIir)&0x0f, 0x0c) << "below the level: time-out";
  type(std::string(13, 'x'));
  EXPECT_EQ(in(kIir)&0x0f, 0x04);
}

TEST_F(VmmSerial, LoopBack) {
  out(kMcr, kLoop | 0x0a);
  EXPECT_EQ(in(kMsr)&0xf0, 0x90) << "Linux' probe: RTS to CTS, OUT2 to DCD";
  out(kData, 'L');
  EXPECT_EQ(sent_, "");
  EXPECT_EQ(in(kLsr), 0x61);
  EXPECT_EQ(in(kData), 'L');
}

TEST_F(VmmSerial, ModemStatusChangesInterrupt) {
  out(kIer, 0x08);
  out(kMcr, kLoop);
  EXPECT_EQ(in(kIir)&0x0f, 0x00);
  EXPECT_EQ(in(kMsr), 0x0b) << "CTS, DSR and DCD fell";
  EXPECT_EQ(in(kMsr), 0x00);
  EXPECT_EQ(in(kIir)&0x0f, 0x01);
}

}  // namespace
}  // namespace ring1::vmm
