// SPDX-License-Identifier: GPL-2.0-only
// Intercepts and bitmaps, looked up by the numbers of the manual (APM 2 15.9, 15.10, 15.11, appendix B).
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "hwaccel/svm/controls.h"

namespace ring1::hwaccel::svm {
namespace {

VmcbControl controls(const Needs& needs) {
  VmcbControl control{};
  set_intercepts(needs, &control);
  return control;
}

// Bit n of the two vectors stands for exit code 0x60 + n and 0x80 + n.
bool exits_for(const VmcbControl& control, unsigned code) {
  return code < 0x80 ? control.intercept_events >> (code - 0x60) & 1
                     : control.intercept_instructions >> (code - 0x80) & 1;
}

TEST(SvmControls, PhysicalEventsAreAlwaysTheHosts) {
  for (const bool nested : {false, true}) {
    const VmcbControl control = controls({.nested_paging = nested});
    for (const unsigned code : {0x60u, 0x61u, 0x62u, 0x63u, 0x7fu}) EXPECT_TRUE(exits_for(control, code)) << code;
    EXPECT_TRUE(control.intercept_exceptions >> 18 & 1);
  }
}

TEST(SvmControls, VmrunItselfAndItsFamilyAreIntercepted) {
  const VmcbControl control = controls({.nested_paging = true});
  for (unsigned code = 0x80; code <= 0x86; code++) EXPECT_TRUE(exits_for(control, code)) << code;
  EXPECT_TRUE(exits_for(control, 0x7a));  // INVLPGA
}

TEST(SvmControls, ExceptionsThatNeverEndAreIntercepted) {
  const VmcbControl control = controls({.nested_paging = true});
  EXPECT_TRUE(control.intercept_exceptions >> 1 & 1);   // #DB
  EXPECT_TRUE(control.intercept_exceptions >> 17 & 1);  // #AC
}

TEST(SvmControls, NestedPagingLeavesPagingToTheGuest) {
  const VmcbControl control = controls({.nested_paging = true});
  EXPECT_FALSE(control.intercept_exceptions >> 14 & 1);
  EXPECT_FALSE(exits_for(control, 0x79));  // INVLPG
  EXPECT_FALSE(exits_for(control, 0x7d));  // task switches
  EXPECT_EQ(control.intercept_cr_writes & (1u << 0 | 1u << 3), 0u);
  EXPECT_EQ(control.intercept_cr_reads & (1u << 0 | 1u << 3), 0u);
  EXPECT_TRUE(control.intercept_cr_writes >> 4 & 1);
}

TEST(SvmControls, ShadowPagingSeesEverythingThatConcernsPaging) {
  const VmcbControl control = controls({.nested_paging = false});
  EXPECT_TRUE(control.intercept_exceptions >> 14 & 1);
  EXPECT_TRUE(exits_for(control, 0x79));
  EXPECT_TRUE(exits_for(control, 0x7d));
  for (const unsigned cr : {0u, 3u, 4u}) {
    EXPECT_TRUE(control.intercept_cr_writes >> cr & 1) << cr;
    EXPECT_TRUE(control.intercept_cr_reads >> cr & 1) << cr;
  }
}

TEST(SvmControls, WindowsAreOpenOnlyOnDemand) {
  EXPECT_FALSE(exits_for(controls({.nested_paging = true}), 0x64));
  EXPECT_TRUE(exits_for(controls({.nested_paging = true, .interrupt_window = true}), 0x64));
  EXPECT_FALSE(exits_for(controls({.nested_paging = true}), 0x74));
  EXPECT_TRUE(exits_for(controls({.nested_paging = true, .nmi_blocked = true}), 0x74));
  EXPECT_FALSE(exits_for(controls({.nested_paging = true}), 0x77));  // PAUSE never
}

TEST(SvmControls, Cr0IsWatchedOnDemand) {
  const VmcbControl control = controls({.nested_paging = true, .watch_cr0 = true});
  EXPECT_TRUE(control.intercept_cr_writes & 1);
  EXPECT_TRUE(control.intercept_cr_reads & 1);
}

TEST(SvmControls, EveryPortExits) {
  std::vector<uint8_t> bitmap(kIoBitmapBytes);
  fill_io_bitmap(bitmap.data());
  for (unsigned port = 0; port < 0x10000 + 3; port++) ASSERT_TRUE(bitmap[port / 8] >> port % 8 & 1) << port;
}

TEST(SvmControls, OnlyRegistersThatTheVmcbHoldsPass) {
  std::vector<uint8_t> bitmap(kMsrBitmapBytes);
  fill_msr_bitmap(bitmap.data());
  const auto exits = [&](uint32_t msr) {
    const unsigned base = msr < 0x2000 ? 0 : msr < 0xc0010000 ? 0x800 : 0x1000;
    const unsigned bit = (msr & 0x1fff) * 2;
    return bitmap[base + bit / 8] >> bit % 8 & 3;
  };
  const std::vector<uint32_t> free = {0x174,      0x175,      0x176,      0xc0000081, 0xc0000082,
                                      0xc0000083, 0xc0000084, 0xc0000100, 0xc0000101, 0xc0000102};
  for (const uint32_t first : {0u, 0xc0000000u, 0xc0010000u})
    for (uint32_t msr = first; msr < first + 0x2000; msr++) {
      const bool passes = std::find(free.begin(), free.end(), msr) != free.end();
      ASSERT_EQ(exits(msr), passes ? 0 : 3) << std::hex << msr;
    }
}

}  // namespace
}  // namespace ring1::hwaccel::svm
