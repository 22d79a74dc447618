// SPDX-License-Identifier: GPL-2.0-only
// Repeated string instructions, ports, single step and interrupt shadows.
#include "emulator_core_fixture.h"

namespace ring1::emulator::test {
namespace {

class StringTest : public CoreTest {};

constexpr uint32_t kBitmap = 0x80;

TEST_F(StringTest, YieldsAtTheLimitAndResumes) {
  start(protected32(), {0xf3, 0xa4});
  cpu.gpr[kRsi] = 0x2000, cpu.gpr[kRdi] = 0x3000, cpu.gpr[kRcx] = 10;
  for (uint8_t i = 0; i < 10; ++i) machine.set<uint8_t>(0x2000 + i, i + 1);
  ok(4);
  EXPECT_EQ(cpu.rip, kCodeOffset);
  EXPECT_EQ(cpu.gpr[kRcx], 6u);
  EXPECT_EQ(cpu.gpr[kRsi], 0x2004u);
  ok(4);
  ok(4);
  EXPECT_EQ(cpu.rip, kCodeOffset + 2);
  EXPECT_EQ(cpu.gpr[kRcx], 0u);
  EXPECT_EQ(machine.get<uint8_t>(0x3009), 10);
}

TEST_F(StringTest, FaultKeepsCompletedIterations) {
  start(protected32(), {0xf3, 0xab});  // rep stosd
  cpu.gpr[kRdi] = kMemory - 8, cpu.gpr[kRcx] = 5, cpu.gpr[kRax] = 0x5a5a5a5a;
  EXPECT_EQ(go(), Outcome::kFault);
  EXPECT_EQ(fault.vector, Vector::kPf);
  EXPECT_EQ(fault.cr2, kMemory);
  EXPECT_EQ(cpu.rip, kCodeOffset);
  EXPECT_EQ(cpu.gpr[kRcx], 3u);
  EXPECT_EQ(cpu.gpr[kRdi], kMemory);
  EXPECT_EQ(machine.get<uint32_t>(kMemory - 4), 0x5a5a5a5au);
}

TEST_F(StringTest, SixteenBitCountersInThirtyTwoBitCode) {
  start(protected32(), {0x67, 0xf3, 0xaa});
  cpu.gpr[kRdi] = 0xabcdfffe, cpu.gpr[kRcx] = 0x12340003, cpu.gpr[kRax] = 0x5a;
  ok();
  EXPECT_EQ(cpu.gpr[kRdi], 0xabcd0001u);
  EXPECT_EQ(cpu.gpr[kRcx], 0x12340000u);
  EXPECT_EQ(machine.get<uint8_t>(0), 0x5a);
}

TEST_F(StringTest, ZeroCountTouchesNothing) {
  start(protected32(), {0xf3, 0xa6});
  cpu.gpr[kRsi] = cpu.gpr[kRdi] = 0x80000000;
  cpu.rflags |= eflags::kZf | eflags::kCf;
  ok();
  EXPECT_EQ(cpu.rip, kCodeOffset + 2);
  EXPECT_EQ(cpu.rflags, eflags::kZf | eflags::kCf | eflags::kFixed1);
}

TEST_F(StringTest, SourceSegmentMayBeOverridden) {
  start(protected32(), {0x64, 0xac});  // lodsb fs:
  cpu.seg[kFs].base = 0x5000;
  cpu.gpr[kRsi] = 0x10;
  machine.set<uint8_t>(0x5010, 0x42);
  ok();
  EXPECT_EQ(cpu.gpr[kRax], 0x42u);
}

TEST_F(StringTest, PortStrings) {
  start(protected32(), {0xf3, 0x6e, 0xf3, 0x6d});  // rep outsb; rep insd
  cpu.gpr[kRsi] = 0x2000, cpu.gpr[kRcx] = 3, cpu.gpr[kRdx] = 0x3f8;
  machine.put(0x2000, {'a', 'b', 'c'});
  ok();
  ASSERT_EQ(machine.outs.size(), 3u);
  EXPECT_EQ(machine.outs[2].value, uint32_t{'c'});
  EXPECT_EQ(machine.outs[2].size, 1u);
  machine.ports[0x3f8] = 0x11223344;
  cpu.gpr[kRdi] = 0x3000, cpu.gpr[kRcx] = 2;
  ok();
  EXPECT_EQ(machine.get<uint32_t>(0x3004), 0x11223344u);
}

// The port must not be read if the store would fault.
TEST_F(StringTest, InsProbesFirst) {
  machine.blocked_port = 0x60;
  start(protected32(), {0x6c});
  cpu.gpr[kRdx] = 0x60, cpu.gpr[kRdi] = 0x80000000;
  faults(Vector::kPf, page_fault::kWrite);
}

TEST_F(StringTest, PermissionBitmap) {
  ring1_cpu_state state = protected32(3);
  state.tr = {0x4000, kBitmap + 8191 + 1, RING1_AR_P | 0xb, 0x28, {}};
  machine.set<uint16_t>(0x4066, kBitmap);
  for (uint32_t i = 0; i < 8192; ++i) machine.set<uint8_t>(0x4000 + kBitmap + i, 0xff);
  machine.set<uint8_t>(0x4000 + kBitmap + 0x60 / 8, 0xee);  // 60 and 64 are free
  start(state, {0xe4, 0x60});
  ok();
  start(state, {0xe4, 0x61});
  faults(Vector::kGp);
  start(state, {0xe5, 0x60});  // a doubleword covers four bits
  faults(Vector::kGp);
  state.tr.limit = kBitmap + 0x60 / 8;  // the second byte lies outside
  start(state, {0xe4, 0x60});
  faults(Vector::kGp);
  state.rflags |= eflags::kIopl;
  start(state, {0xe5, 0x61});
  ok();
  // Virtual-8086 mode asks the bitmap whatever IOPL is.
  ring1_cpu_state vm = vm86(kSegment, 3);
  vm.tr = {0x4000, kBitmap + 8192, RING1_AR_P | 0xb, 0x28, {}};
  start(vm, {0xe4, 0x61});
  faults(Vector::kGp);
}

TEST_F(StringTest, SingleStep) {
  start(protected32(), {0x90, 0xf3, 0xa4});
  cpu.rflags |= eflags::kTf;
  cpu.gpr[kRcx] = 2, cpu.gpr[kRsi] = 0x2000, cpu.gpr[kRdi] = 0x3000;
  EXPECT_EQ(go(), Outcome::kTrap);
  EXPECT_EQ(fault.vector, Vector::kDb);
  EXPECT_EQ(cpu.dr[6] & 1u << 14, 1u << 14);
  EXPECT_EQ(cpu.rip, kCodeOffset + 1);
  EXPECT_EQ(go(), Outcome::kTrap);  // after each iteration
  EXPECT_EQ(cpu.gpr[kRcx], 1u);
  EXPECT_EQ(cpu.rip, kCodeOffset + 1);
  EXPECT_EQ(go(), Outcome::kTrap);
  EXPECT_EQ(cpu.rip, kCodeOffset + 3);
}

TEST_F(StringTest, PopfSetsTfForTheNextInstruction) {
  start(protected32(), {0x9d, 0x90});
  cpu.gpr[kRsp] = 0x2000;
  machine.set<uint32_t>(0x2000, eflags::kTf | eflags::kFixed1);
  ok();
  EXPECT_EQ(go(), Outcome::kTrap);
}

TEST_F(StringTest, Shadows) {
  start(protected32(), {0xfb, 0xfb, 0x90});
  ok();
  EXPECT_EQ(cpu.shadow, RING1_SHADOW_STI);
  ok();  // IF was set already: no new shadow
  EXPECT_EQ(cpu.shadow, 0);
  start(real(kSegment), {0x8e, 0xd0, 0x90});
  cpu.rflags |= eflags::kTf;
  EXPECT_EQ(go(), Outcome::kDone);  // MOV SS holds back the single-step trap
  EXPECT_EQ(cpu.shadow, RING1_SHADOW_MOV_SS);
  EXPECT_EQ(go(), Outcome::kTrap);
  EXPECT_EQ(cpu.shadow, 0);
}

TEST_F(StringTest, PopfByPrivilege) {
  const uint32_t all = 0x00247fd7;  // everything but VM, RF, VIF, VIP
  const struct {
    unsigned cpl, iopl;
    uint32_t kept;  // bits that stay 0 or as before
  } cases[] = {{0, 0, 0}, {1, 0, eflags::kIf | eflags::kIopl}, {1, 1, eflags::kIopl}, {3, 3, eflags::kIopl}};
  for (const auto& entry : cases) {
    start(protected32(entry.cpl), {0x9d});
    cpu.rflags |= entry.iopl << eflags::kIoplShift;
    const uint32_t before = cpu.rflags;
    cpu.gpr[kRsp] = 0x2000;
    machine.set<uint32_t>(0x2000, 0xffffffff & ~eflags::kTf);
    ok();
    const uint32_t writable = (all & ~eflags::kTf & ~entry.kept);
    EXPECT_EQ(cpu.rflags & ~uint64_t{eflags::kFixed1}, ((before & ~writable) | writable) & ~2u) << entry.cpl;
  }
}

TEST_F(StringTest, CpuidAndTimeStamp) {
  start(protected32(3), {0x0f, 0xa2, 0x0f, 0x31, 0x0f, 0x31});
  cpu.gpr[kRax] = 5, cpu.gpr[kRcx] = 6;
  ok();
  EXPECT_EQ(cpu.gpr[kRax], 6u);
  EXPECT_EQ(cpu.gpr[kRbx], 8u);
  ok();
  EXPECT_EQ(cpu.gpr[kRax], 0x9abcdef0u);
  EXPECT_EQ(cpu.gpr[kRdx], 0x12345678u);
  cpu.cr4 |= cr4::kTsd;
  faults(Vector::kGp);
}

TEST_F(StringTest, TrailingZerosByFeature) {
  for (bool bmi1 : {false, true}) {
    start(protected32(), {0xf3, 0x0f, 0xbc, 0xc3});
    machine.bmi1 = bmi1;
    cpu.gpr[kRax] = 7;
    ok();
    EXPECT_EQ(cpu.gpr[kRax], bmi1 ? 32u : 7u);
  }
}

TEST_F(StringTest, BitOffsetsReachBeyondTheOperand) {
  start(protected32(), {0x0f, 0xab, 0x03});  // bts [ebx], eax
  cpu.gpr[kRbx] = 0x2000, cpu.gpr[kRax] = static_cast<uint32_t>(-33);
  ok();
  EXPECT_EQ(machine.get<uint32_t>(0x1ff8), 0x80000000u);
  EXPECT_FALSE(cpu.rflags & eflags::kCf);
}

}  // namespace
}  // namespace ring1::emulator::test
