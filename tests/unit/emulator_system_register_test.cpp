// SPDX-License-Identifier: GPL-2.0-only
// Table, control, debug and model-specific registers.
#include "tests/unit/emulator_system_fixture.h"

namespace ring1::emulator {
namespace {

#define MOV_CR0_EAX 0x0f, 0x22, 0xc0
#define MOV_CR3_EAX 0x0f, 0x22, 0xd8
#define MOV_CR4_EAX 0x0f, 0x22, 0xe0

TEST_F(SystemTest, TablePointers) {
  put16(0x500, 0x1ff);
  put32(0x502, 0x89abcdef);
  ASSERT_EQ(run({0x0f, 0x01, 0x15, 0, 5, 0, 0}), Outcome::kDone);  // lgdt [0x500]
  EXPECT_EQ(cpu.gdtr.base, 0x89abcdefu);
  EXPECT_EQ(cpu.gdtr.limit, 0x1ff);
  ASSERT_EQ(run({0x66, 0x0f, 0x01, 0x1d, 0, 5, 0, 0}), Outcome::kDone);  // o16 lidt
  EXPECT_EQ(cpu.idtr.base, 0xabcdefu);
  ASSERT_EQ(run({0x0f, 0x01, 0x05, 0, 6, 0, 0}), Outcome::kDone);  // sgdt [0x600]
  EXPECT_EQ(get16(0x600), 0x1ff);
  EXPECT_EQ(get32(0x602), 0x89abcdefu);
  user_mode();
  EXPECT_TRUE(faults({0x0f, 0x01, 0x15, 0, 5, 0, 0}, Vector::kGp, 0));
  EXPECT_EQ(run({0x0f, 0x01, 0x05, 0, 6, 0, 0}), Outcome::kDone);
  cpu.cr4 |= cr4::kUmip;
  EXPECT_TRUE(faults({0x0f, 0x01, 0x05, 0, 6, 0, 0}, Vector::kGp, 0));
}

TEST_F(SystemTest, TaskRegisterAndLdt) {
  cpu.gpr[kRax] = kTss2Selector;
  ASSERT_EQ(run({0x0f, 0x00, 0xd8}), Outcome::kDone);  // ltr ax
  EXPECT_EQ(cpu.tr.base, kTss2);
  EXPECT_EQ(get8(kGdt + kTss2Selector + 5), 0x8b);
  EXPECT_TRUE(faults({0x0f, 0x00, 0xd8}, Vector::kGp, kTss2Selector));  // busy
  ASSERT_EQ(run({0x0f, 0x00, 0xcb}), Outcome::kDone);                   // str ebx
  EXPECT_EQ(cpu.gpr[kRbx], kTss2Selector);
  cpu.gpr[kRax] = 0;
  EXPECT_TRUE(faults({0x0f, 0x00, 0xd8}, Vector::kGp, 0));
  cpu.gpr[kRax] = kLdtSelector;
  ASSERT_EQ(run({0x0f, 0x00, 0xd0}), Outcome::kDone);  // lldt ax
  EXPECT_EQ(cpu.ldtr.base, kLdt);
  put_descriptor(kLdt + 8, 0x5000, 0xfff, 0x40f3);
  cpu.gpr[kRax] = 8 | 4 | 3;
  ASSERT_EQ(run({0x8e, 0xe8}), Outcome::kDone);  // mov gs, ax
  EXPECT_EQ(cpu.seg[kGs].base, 0x5000u);
  cpu.gpr[kRax] = 0x10 | 4;
  EXPECT_TRUE(faults({0x8e, 0xe8}, Vector::kGp, 0x14));
  cpu.gpr[kRax] = kData0;
  EXPECT_TRUE(faults({0x0f, 0x00, 0xd0}, Vector::kGp, kData0));
  cpu.gpr[kRax] = 0;
  ASSERT_EQ(run({0x0f, 0x00, 0xd0}), Outcome::kDone);
  EXPECT_EQ(cpu.ldtr.access, RING1_AR_UNUSABLE);
}

TEST_F(SystemTest, ControlRegister0) {
  cpu.gpr[kRax] = cr0::kPg;  // without PE
  EXPECT_TRUE(faults({MOV_CR0_EAX}, Vector::kGp, 0));
  cpu.gpr[kRax] = cr0::kPe | cr0::kNw;
  EXPECT_TRUE(faults({MOV_CR0_EAX}, Vector::kGp, 0));
  cpu.gpr[kRax] = cr0::kPe | cr0::kPg | cr0::kWp | 0x00100000;
  ASSERT_EQ(run({MOV_CR0_EAX}), Outcome::kDone);
  EXPECT_EQ(cpu.cr0, cr0::kPe | cr0::kPg | cr0::kWp | cr0::kEt);
  EXPECT_EQ(machine.cr0_writes, 1);
  cpu.gpr[kRax] = cr0::kTs;
  ASSERT_EQ(run({0x0f, 0x01, 0xf0}), Outcome::kDone);  // lmsw ax
  EXPECT_EQ(cpu.cr0, cr0::kPe | cr0::kPg | cr0::kWp | cr0::kEt | cr0::kTs);
  ASSERT_EQ(run({0x0f, 0x06}), Outcome::kDone);  // clts
  EXPECT_FALSE(cpu.cr0 & cr0::kTs);
  ASSERT_EQ(run({0x0f, 0x20, 0xc1}), Outcome::kDone);  // mov ecx, cr0
  EXPECT_EQ(cpu.gpr[kRcx], cpu.cr0);
  ASSERT_EQ(run({0x0f, 0x01, 0xe3}), Outcome::kDone);  // smsw ebx
  EXPECT_EQ(cpu.gpr[kRbx], cpu.cr0);
}

TEST_F(SystemTest, PageDirectoryPointers) {
  cpu.cr0 |= cr0::kPg;
  cpu.cr4 |= cr4::kPae;
  machine.bad_cr3 = 0x5000;
  machine.blocked_cr3 = 0x6000;
  cpu.gpr[kRax] = 0x5000;
  EXPECT_TRUE(faults({MOV_CR3_EAX}, Vector::kGp, 0));
  cpu.gpr[kRax] = 0x6000;
  EXPECT_EQ(run({MOV_CR3_EAX}), Outcome::kBlocked);
  EXPECT_EQ(machine.cr3_writes, 0);
  cpu.cr4 = 0;
  cpu.gpr[kRax] = 0x5000;
  ASSERT_EQ(run({MOV_CR3_EAX}), Outcome::kDone);
  cpu.gpr[kRax] = cr4::kPae;
  EXPECT_TRUE(faults({MOV_CR4_EAX}, Vector::kGp, 0));
  cpu.cr0 &= ~cr0::kPg;
  ASSERT_EQ(run({MOV_CR4_EAX}), Outcome::kDone);
  cpu.gpr[kRax] = cpu.cr0 | cr0::kPg;
  EXPECT_TRUE(faults({MOV_CR0_EAX}, Vector::kGp, 0));
  cpu.gpr[kRax] = cpu.cr0 | cr0::kWp;
  EXPECT_EQ(run({MOV_CR0_EAX}), Outcome::kDone);
}

TEST_F(SystemTest, ControlRegisters3And4) {
  cpu.gpr[kRax] = 0x12345018;
  ASSERT_EQ(run({MOV_CR3_EAX}), Outcome::kDone);
  EXPECT_EQ(cpu.cr3, 0x12345018u);
  EXPECT_EQ(machine.cr3_writes, 1);
  cpu.gpr[kRax] = cr4::kPae | cr4::kPge;
  ASSERT_EQ(run({MOV_CR4_EAX}), Outcome::kDone);
  EXPECT_EQ(cpu.cr4, cr4::kPae | cr4::kPge);
  EXPECT_EQ(machine.cr4_writes, 1);
  cpu.gpr[kRax] = cr4::kSmep;  // CPUID does not offer it
  EXPECT_TRUE(faults({MOV_CR4_EAX}, Vector::kGp, 0));
  cpu.gpr[kRax] = 1u << 13;
  EXPECT_TRUE(faults({MOV_CR4_EAX}, Vector::kGp, 0));
  EXPECT_TRUE(faults({0x0f, 0x20, 0xc8}, Vector::kUd, 0));  // CR1
  user_mode();
  for (uint8_t reg : {0xc0, 0xd8, 0xe0}) EXPECT_TRUE(faults({0x0f, 0x22, reg}, Vector::kGp, 0));
  EXPECT_TRUE(faults({0x0f, 0x20, 0xc0}, Vector::kGp, 0));
  EXPECT_TRUE(faults({0x0f, 0x06}, Vector::kGp, 0));
}

TEST_F(SystemTest, DebugRegisters) {
  cpu.gpr[kRax] = 0xffffffff;
  ASSERT_EQ(run({0x0f, 0x23, 0xf0}), Outcome::kDone);  // mov dr6, eax
  EXPECT_EQ(cpu.dr[6], 0xffffefffu);
  ASSERT_EQ(run({0x0f, 0x21, 0xe1}), Outcome::kDone);  // mov ecx, dr4
  EXPECT_EQ(cpu.gpr[kRcx], cpu.dr[6]);
  cpu.cr4 |= cr4::kDe;
  EXPECT_TRUE(faults({0x0f, 0x21, 0xe1}, Vector::kUd, 0));
  cpu.gpr[kRax] = 1u << 13;
  ASSERT_EQ(run({0x0f, 0x23, 0xf8}), Outcome::kDone);  // mov dr7, eax: GD
  cpu.dr[6] = 0;
  EXPECT_EQ(run({0x0f, 0x21, 0xc1}), Outcome::kFault);
  EXPECT_EQ(fault.vector, Vector::kDb);
  EXPECT_EQ(cpu.dr[6], 1u << 13);
  ASSERT_EQ(deliver(cpu, machine, event_of(fault)), Outcome::kDone);
  EXPECT_FALSE(cpu.dr[7] & 1u << 13);
}

TEST_F(SystemTest, MsrsAndInvlpg) {
  machine.msr[0x10] = 0x1122334455667788;
  cpu.gpr[kRcx] = 0x10;
  ASSERT_EQ(run({0x0f, 0x32}), Outcome::kDone);
  EXPECT_EQ(cpu.gpr[kRax], 0x55667788u);
  EXPECT_EQ(cpu.gpr[kRdx], 0x11223344u);
  cpu.gpr[kRax] = 5;
  ASSERT_EQ(run({0x0f, 0x30}), Outcome::kDone);
  EXPECT_EQ(machine.msr[0x10], 0x1122334400000005u);
  cpu.gpr[kRcx] = 0x11;
  EXPECT_TRUE(faults({0x0f, 0x32}, Vector::kGp, 0));
  EXPECT_TRUE(faults({0x0f, 0x30}, Vector::kGp, 0));
  cpu.gpr[kRbx] = 0xfffff123;
  ASSERT_EQ(run({0x0f, 0x01, 0x3b}), Outcome::kDone);  // invlpg [ebx]
  ASSERT_EQ(machine.invalidated.size(), 1u);
  EXPECT_EQ(machine.invalidated[0], 0xfffff123u);
  user_mode();
  EXPECT_TRUE(faults({0x0f, 0x01, 0x3b}, Vector::kGp, 0));
  EXPECT_TRUE(faults({0x0f, 0x09}, Vector::kGp, 0));
}

}  // namespace
}  // namespace ring1::emulator
