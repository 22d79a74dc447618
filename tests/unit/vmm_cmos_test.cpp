// SPDX-License-Identifier: GPL-2.0-only
#include <gtest/gtest.h>

#include "vmm/devices/cmos.h"

namespace ring1::vmm {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kStart = 1700000000;  // Tuesday, 2023-11-14 22:13:20 UTC
constexpr uint8_t kA = 10, kB = 11, kC = 12;
constexpr uint8_t kSet = 0x80, kPie = 0x40, kAie = 0x20, kUie = 0x10, kBinary = 0x04, k24 = 0x02;

class VmmCmos : public ::testing::Test {
 protected:
  uint8_t in(uint8_t index) {
    cmos_.write(0, 1, index);
    return static_cast<uint8_t>(cmos_.read(1, 1));
  }
  void out(uint8_t index, uint8_t value) {
    cmos_.write(0, 1, index);
    cmos_.write(1, 1, value);
  }

  int64_t now_ = kStart * kSecond;
  bool line_ = false;
  unsigned deadlines_ = 0;
  Cmos cmos_{{[this] { return now_; }, [this](bool level) { line_ = level; }, [this] { deadlines_++; }},
             uint64_t{128} << 20};
};

TEST_F(VmmCmos, TimeInBcd) {
  EXPECT_EQ(in(0), 0x20);
  EXPECT_EQ(in(2), 0x13);
  EXPECT_EQ(in(4), 0x22);
  EXPECT_EQ(in(6), 3);
  EXPECT_EQ(in(7), 0x14);
  EXPECT_EQ(in(8), 0x11);
  EXPECT_EQ(in(9), 0x23);
  EXPECT_EQ(in(0x32), 0x20);
  now_ += 45 * kSecond;
  EXPECT_EQ(in(0), 0x05);
  EXPECT_EQ(in(2), 0x14);
}

// What a clock of 64-bit nanoseconds does not hold: it ends with the year 2262.
TEST_F(VmmCmos, AnyCentury) {
  for (uint8_t century : {0x99, 0x00, 0x16, 0x23}) {
    out(0x32, century);
    EXPECT_EQ(in(0x32), century);
    EXPECT_EQ(in(9), 0x23);
    EXPECT_EQ(in(8), 0x11);
    EXPECT_EQ(in(7), 0x14);
    EXPECT_EQ(in(0), 0x20);
  }
  for (uint8_t index : {0, 2, 4, 7, 8, 9, 0x32}) out(index, 0xff);
  out(kB, k24 | kUie);
  in(kC);
  now_ += kSecond / 2;
  const auto next = cmos_.poll();
  ASSERT_TRUE(next);
  EXPECT_GT(*next, now_);
  EXPECT_LE(*next, now_ + kSecond);
}

TEST_F(VmmCmos, BinaryAndTwelveHours) {
  out(kB, kBinary);
  EXPECT_EQ(in(4), 0x80 | 10);
  EXPECT_EQ(in(9), 23);
  out(kB, kBinary | k24);
  EXPECT_EQ(in(4), 22);
}

TEST_F(VmmCmos, UpdateInProgressJustBeforeTheSecond) {
  EXPECT_EQ(in(kA)&0x80, 0);
  now_ += kSecond - 100'000;
  EXPECT_EQ(in(kA)&0x80, 0x80);
  out(kB, k24 | kSet);
  EXPECT_EQ(in(kA)&0x80, 0);
}

TEST_F(VmmCmos, SettingTheTime) {
  out(kB, k24 | kSet);
  out(0, 0x00);
  out(2, 0x30);
  out(4, 0x06);
  out(7, 0x29);
  out(8, 0x02);
  out(9, 0x24);
  now_ += 10 * kSecond;
  EXPECT_EQ(in(0), 0x00) << "frozen";
  out(kB, k24);
  now_ += 61 * kSecond;
  EXPECT_EQ(in(0), 0x01);
  EXPECT_EQ(in(2), 0x31);
  EXPECT_EQ(in(4), 0x06);
  EXPECT_EQ(in(7), 0x29);
  EXPECT_EQ(in(6), 5) << "a Thursday";
}

TEST_F(VmmCmos, UpdateInterrupt) {
  in(kC);
  out(kB, k24 | kUie);
  EXPECT_EQ(cmos_.poll(), (kStart + 1) * kSecond);
  EXPECT_FALSE(line_);
  now_ += kSecond;
  EXPECT_EQ(cmos_.poll(), std::nullopt) << "one is pending";
  EXPECT_TRUE(line_);
  EXPECT_EQ(in(kC), 0x80 | kUie | kPie) << "the periodic flag sets without its interrupt";
  EXPECT_FALSE(line_);
  EXPECT_EQ(in(kC), 0);
  EXPECT_GT(deadlines_, 0u);
}

TEST_F(VmmCmos, PeriodicInterrupt) {
  in(kC);
  out(kB, k24 | kPie);
  const auto next = cmos_.poll();
  ASSERT_TRUE(next);
  EXPECT_LE(*next - now_, kSecond / 1024 + 1);
  now_ = *next;
  cmos_.poll();
  EXPECT_TRUE(line_);
  EXPECT_EQ(in(kC), 0x80 | kPie);
  out(kA, 0x20);
  EXPECT_EQ(cmos_.poll(), std::nullopt) << "rate 0 is off";
}

TEST_F(VmmCmos, Alarm) {
  out(1, 0x25);
  out(3, 0x13);
  out(5, 0xff);
  in(kC);
  out(kB, k24 | kAie);
  now_ += 4 * kSecond;
  cmos_.poll();
  EXPECT_FALSE(line_);
  now_ += kSecond;
  cmos_.poll();
  EXPECT_TRUE(line_);
  EXPECT_EQ(in(kC)&0xa0, 0xa0);
  now_ += 3600 * kSecond;
  cmos_.poll();
  EXPECT_TRUE(line_) << "any hour, also when looked at late";
}

TEST_F(VmmCmos, MemorySizes) {
  EXPECT_EQ(in(0x15) | in(0x16) << 8, 640);
  EXPECT_EQ(in(0x17) | in(0x18) << 8, 63 * 1024);
  EXPECT_EQ(in(0x34) | in(0x35) << 8, (128 - 16) * 16);
  EXPECT_EQ(in(13), 0x80);
}

TEST_F(VmmCmos, PlainBytesAndTheNmiBit) {
  out(0x0f, 0x0a);
  EXPECT_EQ(in(0x8f), 0x0a);
  out(0x7f, 0x77);
  EXPECT_EQ(in(0x7f), 0x77);
  out(13, 0);
  EXPECT_EQ(in(13), 0x80) << "register D is read-only";
}

}  // namespace
}  // namespace ring1::vmm
