// SPDX-License-Identifier: GPL-2.0-only
// Events on their way to a handler, and IRET on the way back.
#include "tests/unit/emulator_system_fixture.h"

namespace ring1::emulator {
namespace {

constexpr uint32_t handler(unsigned vector) { return kHandlers + 16 * vector; }

TEST_F(SystemTest, SameLevelInterrupt) {
  cpu.rflags |= eflags::kIf | eflags::kTf | eflags::kNt;
  ASSERT_EQ(event(20), Outcome::kDone);
  EXPECT_EQ(cpu.rip, handler(20));
  EXPECT_EQ(pushed(0), kText);
  EXPECT_EQ(pushed(1), kCode0);
  EXPECT_EQ(pushed(2), eflags::kFixed1 | eflags::kIf | eflags::kTf | eflags::kNt);
  EXPECT_EQ(cpu.rflags, eflags::kFixed1);
  EXPECT_EQ(cpu.gpr[kRsp], kStack0 - 12u);
}

TEST_F(SystemTest, TrapGateKeepsIf) {
  gate(20, kCode0, handler(20), 0x8f);
  cpu.rflags |= eflags::kIf;
  ASSERT_EQ(event(20), Outcome::kDone);
  EXPECT_TRUE(cpu.rflags & eflags::kIf);
}

TEST_F(SystemTest, UserToKernelAndBack) {
  user_mode();
  const ring1_cpu_state before = cpu;
  ASSERT_EQ(exception(Vector::kPf, 7, 0x1234), Outcome::kDone);
  EXPECT_EQ(cpl(), 0u);
  EXPECT_EQ(cpu.cr2, 0x1234u);
  EXPECT_EQ(cpu.seg[kSs].selector, kData0);
  EXPECT_EQ(cpu.seg[kDs].selector, kData3);
  EXPECT_EQ(pushed(0), 7u);
  EXPECT_EQ(pushed(1), kUserText);
  EXPECT_EQ(pushed(2), kCode3);
  EXPECT_EQ(pushed(3), before.rflags | eflags::kRf);
  EXPECT_EQ(pushed(4), kStack3);
  EXPECT_EQ(pushed(5), kData3);
  cpu.gpr[kRsp] += 4;
  cpu.seg[kFs] = flat(kData0, false);
  ASSERT_EQ(run({0xcf}), Outcome::kDone);
  EXPECT_EQ(cpl(), 3u);
  EXPECT_EQ(cpu.rip, kUserText);
  EXPECT_EQ(cpu.gpr[kRsp], kStack3);
  EXPECT_EQ(cpu.rflags, before.rflags | eflags::kRf);
  EXPECT_EQ(cpu.seg[kFs].access, RING1_AR_UNUSABLE);
  EXPECT_EQ(cpu.seg[kDs].selector, kData3);
}

TEST_F(SystemTest, SoftwareInterruptNeedsTheGatesLevel) {
  user_mode();
  EXPECT_TRUE(faults({0xcd, 20}, Vector::kGp, 20 * 8 + 2));
  gate(20, kCode0, handler(20), 0xee);
  ASSERT_EQ(run({0xcd, 20}), Outcome::kDone);
  EXPECT_EQ(cpu.rip, handler(20));
  EXPECT_EQ(pushed(0), kUserText + 2);
  user_mode();
  Event event{21};
  event.is_software = true;
  event.instruction_length = 2;
  ASSERT_EQ(deliver(cpu, machine, event), Outcome::kDone);
  EXPECT_EQ(cpu.rip, handler(13));
  EXPECT_EQ(pushed(0), 21u * 8 + 2);
  EXPECT_EQ(pushed(1), kUserText);
}

TEST_F(SystemTest, BadGates) {
  user_mode();
  gate(20, kCode0, handler(20), 0x0e);  // not present
  ASSERT_EQ(event(20), Outcome::kDone);
  EXPECT_EQ(cpu.rip, handler(11));
  EXPECT_EQ(pushed(0), 20u * 8 + 2 + 1);
  protected_mode();
  ASSERT_EQ(event(40), Outcome::kDone);  // beyond the limit
  EXPECT_EQ(cpu.rip, handler(13));
  EXPECT_EQ(pushed(0), 40u * 8 + 2 + 1);
  protected_mode();
  gate(21, kData0, handler(21), 0x8e);
  ASSERT_EQ(event(21), Outcome::kDone);
  EXPECT_EQ(cpu.rip, handler(13));
  EXPECT_EQ(pushed(0), kData0 + 1u);
  protected_mode();
  gate(21, kCode3, handler(21), 0x8e);  // outer level
  ASSERT_EQ(event(21), Outcome::kDone);
  EXPECT_EQ(pushed(0), (kCode3 & ~3u) + 1u);
  protected_mode();
  gate(21, kCode0, handler(21), 0x8c);  // a call gate
  ASSERT_EQ(event(21), Outcome::kDone);
  EXPECT_EQ(pushed(0), 21u * 8 + 2 + 1);
  protected_mode();
  gate(21, 0, handler(21), 0x8e);
  ASSERT_EQ(event(21), Outcome::kDone);
  EXPECT_EQ(pushed(0), 1u);
}

TEST_F(SystemTest, SixteenBitGate) {
  gate(20, kCode0, 0xffff0000 | handler(20), 0x86);
  user_mode();
  cpu.gpr[kRsp] = 0x1a800;
  ASSERT_EQ(event(20), Outcome::kDone);
  EXPECT_EQ(cpu.rip, handler(20));
  EXPECT_EQ(cpu.gpr[kRsp], kStack0 - 0x800u - 10);
  EXPECT_EQ(get16(cpu.gpr[kRsp] + 6), 0xa800);
}

TEST_F(SystemTest, StackErrorsOfTheInnerLevel) {
  user_mode();
  put32(kTss + 8, kData3);
  ASSERT_EQ(event(20), Outcome::kShutdown);  // #TS needs the same stack
  EXPECT_EQ(cpu.shutdown, 1);
  cpu.shutdown = 0;
  user_mode();
  gate(10, kCode3, 0xbeef, 0x8e);  // #TS is served at ring 3
  ASSERT_EQ(event(20), Outcome::kDone);
  EXPECT_EQ(cpu.rip, 0xbeefu);
  EXPECT_EQ(pushed(0), (kData3 & ~3u) + 1u);
}

TEST_F(SystemTest, DoubleAndTripleFault) {
  // #PF while #PF is delivered: its gate's code segment is not there.
  gate(14, kAbsentCode, 0, 0x8e);
  ASSERT_EQ(exception(Vector::kPf, 0, 0x77), Outcome::kDone);
  EXPECT_EQ(cpu.rip, handler(8));
  EXPECT_EQ(pushed(0), 0u);
  EXPECT_EQ(cpu.cr2, 0x77u);
  // Contributory and then #PF is served one after the other.
  protected_mode();
  gate(14, kCode0, handler(14), 0x8e);
  cpu.gpr[kRsp] = kStack0;
  machine.absent.insert(kIdt >> kPageShift);
  ASSERT_EQ(exception(Vector::kGp), Outcome::kShutdown);  // the IDT itself is away
  EXPECT_EQ(cpu.shutdown, 1);
}

TEST_F(SystemTest, PageFaultOnTheUserStackOfASameLevelHandler) {
  gate(20, kConforming, 0x9999, 0x8e);
  user_mode();
  machine.absent.insert((kStack3 - 1) >> kPageShift);
  ASSERT_EQ(event(20), Outcome::kDone);
  EXPECT_EQ(cpu.rip, handler(14));
  EXPECT_EQ(pushed(0), page_fault::kWrite | page_fault::kUser);
  EXPECT_EQ(pushed(1), kUserText);
}

TEST_F(SystemTest, Vm86RoundTrip) {
  vm86_mode();
  cpu.seg[kGs].selector = 0x1111;
  cpu.seg[kFs].selector = 0x2222;
  cpu.seg[kDs].selector = 0x3333;
  cpu.seg[kEs].selector = 0x4444;
  cpu.seg[kSs].selector = 0x0100;
  cpu.seg[kSs].base = 0x1000;
  ASSERT_EQ(exception(Vector::kGp, 0), Outcome::kDone);
  EXPECT_EQ(cpl(), 0u);
  EXPECT_FALSE(cpu.rflags & eflags::kVm);
  EXPECT_EQ(cpu.seg[kDs].access, RING1_AR_UNUSABLE);
  EXPECT_EQ(pushed(3), eflags::kFixed1 | eflags::kVm | eflags::kIf | eflags::kRf);
  EXPECT_EQ(pushed(5), 0x0100u);
  EXPECT_EQ(pushed(6), 0x4444u);
  EXPECT_EQ(pushed(7), 0x3333u);
  EXPECT_EQ(pushed(8), 0x2222u);
  EXPECT_EQ(pushed(9), 0x1111u);
  cpu.gpr[kRsp] += 4;
  ASSERT_EQ(run({0xcf}), Outcome::kDone);
  EXPECT_TRUE(cpu.rflags & eflags::kVm);
  EXPECT_EQ(cpu.seg[kGs].base, 0x11110u);
  EXPECT_EQ(cpu.seg[kSs].base, 0x1000u);
  EXPECT_EQ(cpl(), 3u);
  EXPECT_EQ(cpu.gpr[kRsp], kStack3);
  EXPECT_TRUE(faults({0xcd, 20}, Vector::kGp, 0));  // IOPL 0
  EXPECT_TRUE(faults({0xcf}, Vector::kGp, 0));
}

TEST_F(SystemTest, Vm86NeedsRingZeroHandlers) {
  vm86_mode();
  gate(20, kConforming, 0x9999, 0x8e);
  ASSERT_EQ(event(20), Outcome::kDone);
  EXPECT_EQ(cpu.rip, handler(13));
  EXPECT_EQ(pushed(0), kConforming + 1u);
}

TEST_F(SystemTest, RealModeInterruptAndReturn) {
  real_mode();
  put16(0x80, 0x1234);
  put16(0x82, 0x0900);
  cpu.rflags |= eflags::kIf;
  ASSERT_EQ(event(0x20), Outcome::kDone);
  EXPECT_EQ(cpu.rip, 0x1234u);
  EXPECT_EQ(cpu.seg[kCs].base, 0x9000u);
  EXPECT_EQ(cpu.gpr[kRsp], kStack0 - 6u);
  EXPECT_FALSE(cpu.rflags & eflags::kIf);
  ASSERT_EQ(run({0xcf}), Outcome::kDone);
  EXPECT_EQ(cpu.rip, kText);
  EXPECT_TRUE(cpu.rflags & eflags::kIf);
}

TEST_F(SystemTest, IretKeepsWhatTheLevelMayNotChange) {
  user_mode();
  const uint32_t sp = kStack3 - 12;
  cpu.gpr[kRsp] = sp;
  put32(sp, 0x4444);
  put32(sp + 4, kCode3);
  put32(sp + 8, eflags::kIopl | eflags::kVm | eflags::kCf | eflags::kId);
  ASSERT_EQ(run({0xcf}), Outcome::kDone);
  EXPECT_EQ(cpu.rflags, eflags::kFixed1 | eflags::kIf | eflags::kCf | eflags::kId);
  EXPECT_EQ(cpu.rip, 0x4444u);
}

TEST_F(SystemTest, IretChecks) {
  auto frame = [&](uint32_t cs, uint32_t ss = kData3) {
    put32(kStack0, 0x4444);
    put32(kStack0 + 4, cs);
    put32(kStack0 + 8, eflags::kFixed1);
    put32(kStack0 + 12, kStack3);
    put32(kStack0 + 16, ss);
  };
  frame(0);
  EXPECT_TRUE(faults({0xcf}, Vector::kGp, 0));
  frame(kData0);
  EXPECT_TRUE(faults({0xcf}, Vector::kGp, kData0));
  frame(kAbsentCode);
  EXPECT_TRUE(faults({0xcf}, Vector::kNp, kAbsentCode));
  frame(kCode0 | 3);
  EXPECT_TRUE(faults({0xcf}, Vector::kGp, kCode0));
  frame(kCode3, 0);
  EXPECT_TRUE(faults({0xcf}, Vector::kGp, 0));
  frame(kCode3, kData0);
  EXPECT_TRUE(faults({0xcf}, Vector::kGp, kData0));
  frame(kCode3);
  ASSERT_EQ(run({0xcf}), Outcome::kDone);
  EXPECT_EQ(cpl(), 3u);
  frame(kCode0);
  cpu.gpr[kRsp] = kStack0;
  EXPECT_TRUE(faults({0xcf}, Vector::kGp, kCode0));  // inwards
}

TEST_F(SystemTest, NmiBlocksUntilIret) {
  ASSERT_EQ(event(2), Outcome::kDone);
  EXPECT_EQ(cpu.nmi_blocked, 1);
  ASSERT_EQ(run({0xcf}), Outcome::kDone);
  EXPECT_EQ(cpu.nmi_blocked, 0);
}

}  // namespace
}  // namespace ring1::emulator
