// SPDX-License-Identifier: GPL-2.0-only
// What the guest's stack tells of the handler of a tick.
#include <gtest/gtest.h>

#include "monitor/vcpu/tick_handler.h"
#include "monitor_machine.h"

namespace ring1::monitor {
namespace {

constexpr uint32_t kStack = 0x8000, kTss = 0x6000, kKernelStack = 0x9000, kEip = 0x12345678;

class TickHandlerTest : public ::testing::Test, protected FakeMachine {
 protected:
  void SetUp() override {
    ASSERT_TRUE(mmu_ok);
    cpu.cr0 |= cr0::kPe;
    cpu.seg[kSs].access = RING1_AR_P | RING1_AR_DB;
    cpu.seg[kCs].selector = 8;
    cpu.gpr[kRsp] = kStack;
    cpu.rip = kEip;
    cpu.tr.access = 0xb;
    cpu.tr.base = kTss;
    world.write<uint32_t>(kTss + 4, kKernelStack);
  }
  void user_mode(uint32_t flags = 2) {
    cpu.seg[kSs].access |= 3 << RING1_AR_DPL_SHIFT;
    cpu.rflags = flags;
  }
  // The frame of an interrupt, and the handler begins. words: EIP first, as many as there are.
  void deliver(uint32_t top, unsigned words) {
    handler.begins();
    cpu.gpr[kRsp] = top - 4 * words;
    world.write<uint32_t>(cpu.gpr[kRsp], static_cast<uint32_t>(cpu.rip));
    world.write<uint32_t>(cpu.gpr[kRsp] + 4, cpu.seg[kCs].selector);
    cpu.seg[kSs].access = RING1_AR_P | RING1_AR_DB;
    cpu.rflags = 2;
    cpu.seg[kCs].selector = 0x10;
    cpu.rip = 0x1000;
  }

  TickHandler handler{cpu, machine};
};

TEST_F(TickHandlerTest, NoneBeforeTheFirst) { EXPECT_FALSE(handler.at_work()); }

TEST_F(TickHandlerTest, UntilItReturns) {
  deliver(kStack, 3);
  EXPECT_TRUE(handler.at_work());
  cpu.gpr[kRsp] -= 200;
  EXPECT_TRUE(handler.at_work());
  cpu.gpr[kRsp] = kStack;
  EXPECT_FALSE(handler.at_work());
}

// Who has returned may call something else, and stands as deep as before.
TEST_F(TickHandlerTest, UntilItsFrameIsOverwritten) {
  deliver(kStack, 3);
  cpu.gpr[kRsp] = kStack - 64;
  world.write<uint32_t>(kStack - 12, 0x55);
  EXPECT_FALSE(handler.at_work());
}

TEST_F(TickHandlerTest, ForTheOutermost) {
  deliver(kStack, 3);
  cpu.gpr[kRsp] -= 100;
  const auto inner = static_cast<uint32_t>(cpu.gpr[kRsp]);
  deliver(inner, 3);
  cpu.gpr[kRsp] = inner;
  EXPECT_TRUE(handler.at_work());
  cpu.gpr[kRsp] = kStack;
  EXPECT_FALSE(handler.at_work());
}

TEST_F(TickHandlerTest, FromUserMode) {
  user_mode();
  deliver(kKernelStack, 5);
  EXPECT_TRUE(handler.at_work());
  user_mode();
  EXPECT_FALSE(handler.at_work());
}

TEST_F(TickHandlerTest, FromVirtual8086Mode) {
  user_mode(eflags::kVm);
  deliver(kKernelStack, 9);
  EXPECT_TRUE(handler.at_work());
  user_mode(eflags::kVm);
  EXPECT_FALSE(handler.at_work());
}

TEST_F(TickHandlerTest, InRealMode) {
  cpu.cr0 &= ~cr0::kPe;
  cpu.seg[kSs] = {};
  cpu.seg[kSs].base = 0x10000;
  cpu.gpr[kRsp] = 0xabcd0100;
  cpu.rip = 0x1234;
  handler.begins();
  cpu.gpr[kRsp] -= 6;
  world.write<uint16_t>(0x100fa, 0x1234);
  world.write<uint16_t>(0x100fc, 8);
  EXPECT_TRUE(handler.at_work());
  cpu.gpr[kRsp] += 6;
  EXPECT_FALSE(handler.at_work());
}

// Another task's stack lies below; its kernel does not work in this handler.
TEST_F(TickHandlerTest, NotOnAnotherStack) {
  deliver(kStack, 3);
  cpu.gpr[kRsp] = kStack - 0x2000;
  EXPECT_FALSE(handler.at_work());
}

TEST_F(TickHandlerTest, WhatCannotBeReadIsNotThere) {
  user_mode();
  cpu.tr.base = 0x20000000;
  handler.begins();
  EXPECT_FALSE(handler.at_work());
}

}  // namespace
}  // namespace ring1::monitor
