// SPDX-License-Identifier: GPL-2.0-only
// Far jumps, calls and returns; SYSENTER and SYSEXIT.
#include "tests/unit/emulator_system_fixture.h"

namespace ring1::emulator {
namespace {

#define FAR(op, selector) op, 0x00, 0x90, 0, 0, (selector)&0xff, (selector) >> 8  // to 0x9000

TEST_F(SystemTest, DirectJump) {
  ASSERT_EQ(run({FAR(0xea, kCode0 | 3)}), Outcome::kFault);  // RPL > CPL
  EXPECT_EQ(fault.error_code, kCode0);
  ASSERT_EQ(run({FAR(0xea, kConforming | 3)}), Outcome::kDone);
  EXPECT_EQ(cpu.seg[kCs].selector, kConforming);
  EXPECT_EQ(cpu.rip, 0x9000u);
  EXPECT_TRUE(faults({FAR(0xea, kCode3)}, Vector::kGp, kCode3 & ~3));
  EXPECT_TRUE(faults({FAR(0xea, 0)}, Vector::kGp, 0));
  EXPECT_TRUE(faults({FAR(0xea, kData0)}, Vector::kGp, kData0));
  EXPECT_TRUE(faults({FAR(0xea, kAbsentCode)}, Vector::kNp, kAbsentCode));
  descriptor(kCode16, 0, 0x8fff, 0x009b);
  EXPECT_TRUE(faults({FAR(0xea, kCode16)}, Vector::kGp, 0));  // beyond the limit
}

TEST_F(SystemTest, DirectCallAndReturn) {
  ASSERT_EQ(run({FAR(0x9a, kCode0)}), Outcome::kDone);
  EXPECT_EQ(cpu.rip, 0x9000u);
  EXPECT_EQ(pushed(0), kText + 7);
  EXPECT_EQ(pushed(1), kCode0);
  ASSERT_EQ(run({0xca, 8, 0}), Outcome::kDone);  // retf 8
  EXPECT_EQ(cpu.rip, kText + 7);
  EXPECT_EQ(cpu.gpr[kRsp], kStack0 + 8u);
  put32(0x500, 0x9000);
  put16(0x504, kCode0);
  ASSERT_EQ(run({0xff, 0x1d, 0, 5, 0, 0}), Outcome::kDone);  // call far [0x500]
  EXPECT_EQ(cpu.rip, 0x9000u);
  machine.absent.insert(6);
  cpu.gpr[kRsp] = kStack0;
  machine.absent.insert((kStack0 - 1) >> kPageShift);
  EXPECT_EQ(run({FAR(0x9a, kCode0)}), Outcome::kFault);
  EXPECT_EQ(fault.vector, Vector::kPf);
  EXPECT_EQ(cpu.gpr[kRsp], kStack0);
}

TEST_F(SystemTest, CallGateWithParametersAndBack) {
  put_gate(kGdt + kGate, kCode0, 0x9000, 0xec, 2);
  user_mode();
  const uint32_t sp = kStack3 - 8;
  cpu.gpr[kRsp] = sp;
  put32(sp, 0xaaaa);
  put32(sp + 4, 0xbbbb);
  ASSERT_EQ(run({0x9a, 0, 0, 0, 0, kGate | 3, 0}), Outcome::kDone);
  EXPECT_EQ(cpl(), 0u);
  EXPECT_EQ(cpu.seg[kCs].selector, kCode0);
  EXPECT_EQ(pushed(0), kUserText + 7);
  EXPECT_EQ(pushed(1), kCode3);
  EXPECT_EQ(pushed(2), 0xaaaau);
  EXPECT_EQ(pushed(3), 0xbbbbu);
  EXPECT_EQ(pushed(4), sp);
  EXPECT_EQ(pushed(5), kData3);
  ASSERT_EQ(run({0xca, 8, 0}), Outcome::kDone);
  EXPECT_EQ(cpl(), 3u);
  EXPECT_EQ(cpu.rip, kUserText + 7);
  EXPECT_EQ(cpu.gpr[kRsp], kStack3);
}

TEST_F(SystemTest, CallGateToRingOneUsesItsStack) {
  put_gate(kGdt + kGate, kCode1, 0x9000, 0xec);
  user_mode();
  ASSERT_EQ(run({0x9a, 0, 0, 0, 0, kGate | 3, 0}), Outcome::kDone);
  EXPECT_EQ(cpl(), 1u);
  EXPECT_EQ(cpu.seg[kCs].selector, kCode1);
  EXPECT_EQ(cpu.gpr[kRsp], kStack1 - 16u);
}

TEST_F(SystemTest, CallGateChecks) {
  put_gate(kGdt + kGate, kCode0, 0x9000, 0x8c);
  user_mode();
  EXPECT_TRUE(faults({0x9a, 0, 0, 0, 0, kGate | 3, 0}, Vector::kGp, kGate));
  put_gate(kGdt + kGate, kCode0, 0x9000, 0x6c);
  EXPECT_TRUE(faults({0x9a, 0, 0, 0, 0, kGate | 3, 0}, Vector::kNp, kGate));
  put_gate(kGdt + kGate, kCode0, 0x9000, 0xec);
  EXPECT_TRUE(faults({0xea, 0, 0, 0, 0, kGate | 3, 0}, Vector::kGp, kCode0));  // a jump changes no level
  put_gate(kGdt + kGate, kAbsentCode, 0x9000, 0xec);
  EXPECT_TRUE(faults({0x9a, 0, 0, 0, 0, kGate | 3, 0}, Vector::kNp, kAbsentCode));
  put_gate(kGdt + kGate, 0, 0x9000, 0xec);
  EXPECT_TRUE(faults({0x9a, 0, 0, 0, 0, kGate | 3, 0}, Vector::kGp, 0));
}

TEST_F(SystemTest, RealModeFarCall) {
  real_mode();
  ASSERT_EQ(run({0x9a, 0x34, 0x12, 0x00, 0x09}), Outcome::kDone);
  EXPECT_EQ(cpu.seg[kCs].base, 0x9000u);
  EXPECT_EQ(cpu.rip, 0x1234u);
  EXPECT_EQ(get16(cpu.gpr[kRsp]), kText + 5);
  ASSERT_EQ(run({0xcb}), Outcome::kDone);
  EXPECT_EQ(cpu.rip, kText + 5);
  EXPECT_EQ(cpu.gpr[kRsp], kStack0);
}

TEST_F(SystemTest, SysenterAndSysexit) {
  user_mode();
  EXPECT_TRUE(faults({0x0f, 0x34}, Vector::kGp, 0));
  cpu.sysenter_cs = kCode0;
  cpu.sysenter_esp = 0x7000;
  cpu.sysenter_eip = 0x9000;
  EXPECT_TRUE(faults({0x0f, 0x35}, Vector::kGp, 0));
  ASSERT_EQ(run({0x0f, 0x34}), Outcome::kDone);
  EXPECT_EQ(cpl(), 0u);
  EXPECT_EQ(cpu.rip, 0x9000u);
  EXPECT_EQ(cpu.gpr[kRsp], 0x7000u);
  EXPECT_EQ(cpu.seg[kCs].selector, kCode0);
  EXPECT_EQ(cpu.seg[kSs].selector, kData0);
  EXPECT_FALSE(cpu.rflags & eflags::kIf);
  cpu.gpr[kRdx] = kUserText;
  cpu.gpr[kRcx] = kStack3;
  ASSERT_EQ(run({0x0f, 0x35}), Outcome::kDone);
  EXPECT_EQ(cpl(), 3u);
  EXPECT_EQ(cpu.seg[kCs].selector, kCode3);
  EXPECT_EQ(cpu.seg[kSs].selector, kData3);
  EXPECT_EQ(cpu.gpr[kRsp], kStack3);
  EXPECT_EQ(cpu.rip, kUserText);
}

}  // namespace
}  // namespace ring1::emulator
