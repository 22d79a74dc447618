// SPDX-License-Identifier: GPL-2.0-only
// Hardware task switches.
#include "tests/unit/emulator_system_fixture.h"

namespace ring1::emulator {
namespace {

class TaskTest : public SystemTest {
 protected:
  // A second task of ring 0 at 0x9000.
  TaskTest() {
    put32(kTss2 + 0x1c, 0x55000);
    put32(kTss2 + 0x20, 0x9000);
    put32(kTss2 + 0x24, eflags::kFixed1);
    for (unsigned i = 0; i < 8; ++i) put32(kTss2 + 0x28 + 4 * i, 0x100 + i);
    put32(kTss2 + 0x38, kStack2nd);
    for (unsigned i = 0; i < 6; ++i) put16(kTss2 + 0x48 + 4 * i, kData0);
    put16(kTss2 + 0x4c, kCode0);
  }
};

TEST_F(TaskTest, JumpToATss) {
  cpu.gpr[kRbx] = 0x1234;
  ASSERT_EQ(run({0xea, 0, 0, 0, 0, kTss2Selector, 0}), Outcome::kDone);
  EXPECT_EQ(cpu.rip, 0x9000u);
  EXPECT_EQ(cpu.gpr[kRbx], 0x103u);
  EXPECT_EQ(cpu.gpr[kRsp], kStack2nd);
  EXPECT_EQ(cpu.tr.selector, kTss2Selector);
  EXPECT_EQ(cpu.tr.access & 15, 11u);
  EXPECT_TRUE(cpu.cr0 & cr0::kTs);
  EXPECT_FALSE(cpu.rflags & eflags::kNt);
  EXPECT_EQ(get8(kGdt + kTss2Selector + 5), 0x8b);
  EXPECT_EQ(get8(kGdt + kTssSelector + 5), 0x89);
  EXPECT_EQ(get32(kTss + 0x20), kText + 7);
  EXPECT_EQ(get32(kTss + 0x34), 0x1234u);
  EXPECT_EQ(get16(kTss + 0x4c), kCode0);
  EXPECT_EQ(machine.cr3_writes, 0);  // no paging
}

TEST_F(TaskTest, BadPageDirectoryPointers) {
  cpu.cr0 |= cr0::kPg;
  cpu.cr4 |= cr4::kPae;
  machine.bad_cr3 = get32(kTss2 + 0x1c);
  EXPECT_TRUE(faults({0xea, 0, 0, 0, 0, kTss2Selector, 0}, Vector::kGp, 0));
  EXPECT_EQ(get8(kGdt + kTss2Selector + 5), 0x89);
}

TEST_F(TaskTest, CallAndIret) {
  ASSERT_EQ(run({0x9a, 0, 0, 0, 0, kTss2Selector, 0}), Outcome::kDone);
  EXPECT_TRUE(cpu.rflags & eflags::kNt);
  EXPECT_EQ(get16(kTss2), kTssSelector);
  EXPECT_EQ(get8(kGdt + kTssSelector + 5), 0x8b);
  EXPECT_TRUE(faults({0x9a, 0, 0, 0, 0, kTssSelector, 0}, Vector::kGp, kTssSelector));  // busy
  ASSERT_EQ(run({0xcf}), Outcome::kDone);
  EXPECT_EQ(cpu.tr.selector, kTssSelector);
  EXPECT_EQ(cpu.rip, kText + 7);
  EXPECT_EQ(cpu.gpr[kRsp], kStack0);
  EXPECT_FALSE(cpu.rflags & eflags::kNt);
  EXPECT_FALSE(get32(kTss2 + 0x24) & eflags::kNt);
  EXPECT_EQ(get8(kGdt + kTss2Selector + 5), 0x89);
}

// As Linux on i386 does: #DF has a task of its own, since the stack may be what is broken.
TEST_F(TaskTest, DoubleFaultThroughATaskGate) {
  gate(8, kTss2Selector, 0, 0x85);
  cpu.cr0 |= cr0::kPg;
  machine.absent.insert((kStack0 - 1) >> kPageShift);
  put32(kTss2 + 0x28 + 16, kStack2nd);
  ASSERT_EQ(exception(Vector::kPf, 2, 0xdead), Outcome::kDone);
  EXPECT_EQ(cpu.tr.selector, kTss2Selector);
  EXPECT_EQ(cpu.rip, 0x9000u);
  EXPECT_EQ(cpu.cr3, 0x55000u);
  EXPECT_EQ(machine.cr3_writes, 1);
  EXPECT_EQ(pushed(0), 0u);  // the error code on the new stack
  EXPECT_EQ(cpu.gpr[kRsp], kStack2nd - 4u);
  EXPECT_EQ(get32(kTss + 0x20), kText);
  EXPECT_EQ(get32(kTss + 0x38), kStack0);
  EXPECT_TRUE(cpu.rflags & eflags::kNt);
}

TEST_F(TaskTest, FaultsAfterTheSwitchBelongToTheNewTask) {
  put16(kTss2 + 0x48, kAbsentData);  // ES
  ASSERT_EQ(run({0xea, 0, 0, 0, 0, kTss2Selector, 0}), Outcome::kFault);
  EXPECT_EQ(fault.vector, Vector::kNp);
  EXPECT_EQ(fault.error_code, kAbsentData);
  EXPECT_EQ(cpu.tr.selector, kTss2Selector);
  EXPECT_EQ(cpu.rip, 0x9000u);
  EXPECT_EQ(cpu.gpr[kRsp], kStack2nd);
  EXPECT_EQ(cpl(), 0u);
}

TEST_F(TaskTest, FaultsBeforeTheSwitchChangeNothing) {
  descriptor(kTss2Selector, kTss2, 0x66, 0x0089);
  EXPECT_TRUE(faults({0xea, 0, 0, 0, 0, kTss2Selector, 0}, Vector::kTs, kTss2Selector));
  descriptor(kTss2Selector, kTss2, 0x67, 0x0009);
  EXPECT_TRUE(faults({0xea, 0, 0, 0, 0, kTss2Selector, 0}, Vector::kNp, kTss2Selector));
  user_mode();
  descriptor(kTss2Selector, kTss2, 0x67, 0x0089);
  EXPECT_TRUE(faults({0xea, 0, 0, 0, 0, kTss2Selector | 3, 0}, Vector::kGp, kTss2Selector));
  put_gate(kGdt + kTaskGateSelector, kTss2Selector, 0, 0xe5);
  ASSERT_EQ(run({0xea, 0, 0, 0, 0, kTaskGateSelector | 3, 0}), Outcome::kDone);  // the gate's DPL counts
  EXPECT_EQ(cpl(), 0u);
}

TEST_F(TaskTest, TrapBit) {
  put16(kTss2 + 0x64, 1);
  ASSERT_EQ(run({0xea, 0, 0, 0, 0, kTss2Selector, 0}), Outcome::kTrap);
  EXPECT_EQ(fault.vector, Vector::kDb);
  EXPECT_TRUE(cpu.dr[6] & 1u << 15);
}

TEST_F(TaskTest, IntoVm86) {
  put32(kTss2 + 0x24, eflags::kFixed1 | eflags::kVm | eflags::kIopl);
  put16(kTss2 + 0x4c, 0x0900);
  ASSERT_EQ(run({0xea, 0, 0, 0, 0, kTss2Selector, 0}), Outcome::kDone);
  EXPECT_EQ(cpu.seg[kCs].base, 0x9000u);
  EXPECT_EQ(cpl(), 3u);
}

TEST_F(TaskTest, SixteenBitTask) {
  const uint32_t tss = 0x3c00;
  put16(tss + 0x0e, 0x9000);
  put16(tss + 0x10, eflags::kFixed1);
  put16(tss + 0x12 + 8, kStack2nd);
  put16(tss + 0x12 + 6, 0x4321);
  for (unsigned i = 0; i < 4; ++i) put16(tss + 0x22 + 2 * i, kData0);
  put16(tss + 0x24, kCode0);
  ASSERT_EQ(run({0x9a, 0, 0, 0, 0, kTss16Selector, 0}), Outcome::kDone);
  EXPECT_EQ(cpu.gpr[kRbx], 0x4321u);
  EXPECT_EQ(cpu.seg[kFs].access, RING1_AR_UNUSABLE);
  ASSERT_EQ(run({0xcf}), Outcome::kDone);
  EXPECT_EQ(cpu.rip, kText + 7);
  EXPECT_EQ(get16(tss + 0x0e), 0x9001);
}

}  // namespace
}  // namespace ring1::emulator
