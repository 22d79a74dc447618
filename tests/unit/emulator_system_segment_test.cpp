// SPDX-License-Identifier: GPL-2.0-only
// Loads of segment registers and questions about descriptors.
#include "tests/unit/emulator_system_fixture.h"

namespace ring1::emulator {
namespace {

#define MOV_DS_AX 0x8e, 0xd8
#define MOV_SS_AX 0x8e, 0xd0

TEST_F(SystemTest, DataLoadFillsTheCacheAndMarksAccessed) {
  descriptor(kReadOnly, 0x12345000, 0x10, 0x80f0);
  cpu.gpr[kRax] = kReadOnly | 3;
  ASSERT_EQ(run({MOV_DS_AX}), Outcome::kDone);
  EXPECT_EQ(cpu.seg[kDs].base, 0x12345000u);
  EXPECT_EQ(cpu.seg[kDs].limit, 0x10fffu);
  EXPECT_EQ(cpu.seg[kDs].selector, kReadOnly | 3);
  EXPECT_EQ(cpu.seg[kDs].access, RING1_AR_G | 0xf1u);
  EXPECT_EQ(get8(kGdt + kReadOnly + 5), 0xf1);
}

TEST_F(SystemTest, DataLoadChecks) {
  cpu.gpr[kRax] = kGdtEnd;
  EXPECT_TRUE(faults({MOV_DS_AX}, Vector::kGp, kGdtEnd));
  cpu.gpr[kRax] = kData0 | 3;  // RPL > DPL
  EXPECT_TRUE(faults({MOV_DS_AX}, Vector::kGp, kData0));
  cpu.gpr[kRax] = kTssSelector;
  EXPECT_TRUE(faults({MOV_DS_AX}, Vector::kGp, kTssSelector));
  cpu.gpr[kRax] = kAbsentData;
  EXPECT_TRUE(faults({MOV_DS_AX}, Vector::kNp, kAbsentData));
  cpu.gpr[kRax] = 4 | 8;  // no LDT
  EXPECT_TRUE(faults({MOV_DS_AX}, Vector::kGp, 4 | 8));
  cpu.gpr[kRax] = 3;
  ASSERT_EQ(run({MOV_DS_AX}), Outcome::kDone);
  EXPECT_EQ(cpu.seg[kDs].access, RING1_AR_UNUSABLE);
  EXPECT_TRUE(faults({0xa0, 0, 0, 0, 0}, Vector::kGp, 0));  // mov al, [0]
}

TEST_F(SystemTest, UserMayLoadConformingCodeOnly) {
  descriptor(kConforming, 0, 0xfffff, 0xc09f);
  user_mode();
  cpu.gpr[kRax] = kConforming | 3;
  EXPECT_EQ(run({MOV_DS_AX}), Outcome::kDone);
  cpu.gpr[kRax] = kCode0;
  EXPECT_TRUE(faults({MOV_DS_AX}, Vector::kGp, kCode0));
}

TEST_F(SystemTest, StackLoadChecksAndShadow) {
  cpu.gpr[kRax] = 0;
  EXPECT_TRUE(faults({MOV_SS_AX}, Vector::kGp, 0));
  cpu.gpr[kRax] = kData3;
  EXPECT_TRUE(faults({MOV_SS_AX}, Vector::kGp, kData3 & ~3));
  cpu.gpr[kRax] = kReadOnly;
  EXPECT_TRUE(faults({MOV_SS_AX}, Vector::kGp, kReadOnly));
  cpu.gpr[kRax] = kAbsentData;
  EXPECT_TRUE(faults({MOV_SS_AX}, Vector::kSs, kAbsentData));
  cpu.gpr[kRax] = kData0;
  EXPECT_EQ(run({MOV_SS_AX}), Outcome::kDone);
  EXPECT_EQ(cpu.shadow, RING1_SHADOW_MOV_SS);
  put32(kStack0, kData0);
  EXPECT_EQ(run({0x17}), Outcome::kDone);  // pop ss
  EXPECT_EQ(cpu.shadow, RING1_SHADOW_MOV_SS);
  EXPECT_EQ(cpu.gpr[kRsp], kStack0 + 4u);
  EXPECT_EQ(run({0x90}), Outcome::kDone);
  EXPECT_EQ(cpu.shadow, 0);
}

TEST_F(SystemTest, PushPopAndFarPointers) {
  ASSERT_EQ(run({0x06}), Outcome::kDone);  // push es
  EXPECT_EQ(pushed(0), kData0);
  put32(static_cast<uint32_t>(cpu.gpr[kRsp]), 0xffff0000 | kData3);
  ASSERT_EQ(run({0x0f, 0xa1}), Outcome::kDone);  // pop fs
  EXPECT_EQ(cpu.seg[kFs].selector, kData3);
  put32(0x500, 0x11223344);
  put16(0x504, kData3);
  ASSERT_EQ(run({0xc5, 0x0d, 0x00, 0x05, 0, 0}), Outcome::kDone);  // lds ecx, [0x500]
  EXPECT_EQ(cpu.gpr[kRcx], 0x11223344u);
  EXPECT_EQ(cpu.seg[kDs].selector, kData3);
  put16(0x504, kAbsentData);
  EXPECT_TRUE(faults({0x0f, 0xb4, 0x0d, 0x00, 0x05, 0, 0}, Vector::kNp, kAbsentData));  // lfs
  EXPECT_TRUE(faults({0x8e, 0xc8}, Vector::kUd, 0));                                    // mov cs, ax
  cpu.gpr[kRax] = 0xffffffff;
  ASSERT_EQ(run({0x8c, 0xc8}), Outcome::kDone);  // mov eax, cs
  EXPECT_EQ(cpu.gpr[kRax], kCode0);
}

TEST_F(SystemTest, RealModeKeepsLimits) {
  real_mode();
  cpu.seg[kDs].limit = 0xffffffff;
  cpu.gpr[kRax] = 0x1234;
  ASSERT_EQ(run({MOV_DS_AX}), Outcome::kDone);
  EXPECT_EQ(cpu.seg[kDs].base, 0x12340u);
  EXPECT_EQ(cpu.seg[kDs].limit, 0xffffffffu);
}

TEST_F(SystemTest, Questions) {
  cpu.gpr[kRbx] = kCode3;
  ASSERT_EQ(run({0x0f, 0x02, 0xc3}), Outcome::kDone);  // lar eax, ebx
  EXPECT_EQ(cpu.gpr[kRax], 0x00c0fb00u);
  EXPECT_TRUE(cpu.rflags & eflags::kZf);
  ASSERT_EQ(run({0x0f, 0x03, 0xc3}), Outcome::kDone);  // lsl eax, ebx
  EXPECT_EQ(cpu.gpr[kRax], 0xffffffffu);
  ASSERT_EQ(run({0x0f, 0x00, 0xe3}), Outcome::kDone);  // verr bx
  EXPECT_TRUE(cpu.rflags & eflags::kZf);
  ASSERT_EQ(run({0x0f, 0x00, 0xeb}), Outcome::kDone);  // verw bx: code
  EXPECT_FALSE(cpu.rflags & eflags::kZf);
  user_mode();
  cpu.gpr[kRbx] = kData0;
  cpu.gpr[kRax] = 77;
  ASSERT_EQ(run({0x0f, 0x02, 0xc3}), Outcome::kDone);
  EXPECT_FALSE(cpu.rflags & eflags::kZf);
  EXPECT_EQ(cpu.gpr[kRax], 77u);
  cpu.gpr[kRax] = 0x10;
  cpu.gpr[kRbx] = 3;
  ASSERT_EQ(run({0x63, 0xd8}), Outcome::kDone);  // arpl ax, bx
  EXPECT_EQ(cpu.gpr[kRax], 0x13u);
  EXPECT_TRUE(cpu.rflags & eflags::kZf);
  real_mode();
  EXPECT_TRUE(faults({0x0f, 0x02, 0xc3}, Vector::kUd, 0));
}

}  // namespace
}  // namespace ring1::emulator
