// SPDX-License-Identifier: GPL-2.0-only
// The ways between real and protected mode, instruction by instruction.
#include "tests/unit/emulator_system_fixture.h"

namespace ring1::emulator {
namespace {

TEST_F(SystemTest, RealToProtectedAndBack) {
  real_mode();
  put16(0x500, kGdtEnd - 1);
  put32(0x502, kGdt);
  text_at(kText, {
                     0x0f, 0x01, 0x16, 0x00, 0x05,           // lgdt [0x500]
                     0x0f, 0x20, 0xc0,                       // mov eax, cr0
                     0x66, 0x83, 0xc8, 0x01,                 // or eax, 1
                     0x0f, 0x22, 0xc0,                       // mov cr0, eax
                     0x66, 0xea, 0x00, 0x90, 0,    0, 8, 0,  // jmp 8:0x9000
                 });
  text_at(0x9000, {
                      0x66, 0xb8, 0x10, 0x00,                    // mov ax, 0x10
                      0x8e, 0xd8,                                // mov ds, ax
                      0x8e, 0xd0,                                // mov ss, ax
                      0xbc, 0x00, 0x70, 0x00, 0x00,              // mov esp, 0x7000
                      0xa1, 0x00, 0x00, 0x10, 0x00,              // mov eax, [0x100000]
                      0xea, 0x00, 0x01, 0,    0,    kCode16, 0,  // jmp code16:0x100
                  });
  text_at(kText + 0x100, {
                             0xb8, kData16, 0x00,              // mov ax, data16
                             0x8e, 0xd8,    0x8e, 0xd0,        // mov ds, ax; mov ss, ax
                             0x0f, 0x20,    0xc0,              // mov eax, cr0
                             0x66, 0x83,    0xe0, 0xfe,        // and eax, ~1
                             0x0f, 0x22,    0xc0,              // mov cr0, eax
                             0xea, 0x00,    0x02, 0x00, 0x08,  // jmp 0x800:0x200
                         });
  text_at(0x8200, {0x31, 0xc0, 0x8e, 0xd8, 0xf4});  // xor ax, ax; mov ds, ax; hlt
  put32(0x100000, 0xcafe);
  Outcome outcome = Outcome::kDone;
  bool seen = false;
  for (int i = 0; i < 40 && outcome == Outcome::kDone; ++i) {
    outcome = step_once();
    seen |= cpu.gpr[kRax] == 0xcafe;
  }
  EXPECT_EQ(outcome, Outcome::kHalt);
  EXPECT_TRUE(seen);
  EXPECT_FALSE(cpu.cr0 & cr0::kPe);
  EXPECT_EQ(cpu.seg[kCs].base, 0x8000u);
  EXPECT_EQ(cpu.seg[kCs].selector, 0x800);
  EXPECT_EQ(cpu.seg[kDs].base, 0u);
  EXPECT_EQ(cpu.rip, 0x205u);
}

TEST_F(SystemTest, SystemInstructionsNeedProtectedMode) {
  for (bool real : {true, false}) {
    if (real)
      real_mode();
    else
      vm86_mode();
    EXPECT_TRUE(faults({0x0f, 0x00, 0xc0}, Vector::kUd, 0));  // sldt
    EXPECT_TRUE(faults({0x0f, 0x00, 0xd8}, Vector::kUd, 0));  // ltr
    EXPECT_TRUE(faults({0x0f, 0x00, 0xe0}, Vector::kUd, 0));  // verr
    EXPECT_TRUE(faults({0x63, 0xd8}, Vector::kUd, 0));        // arpl
    protected_mode();
  }
  vm86_mode();
  EXPECT_TRUE(faults({0x0f, 0x22, 0xc0}, Vector::kGp, 0));
  EXPECT_TRUE(faults({0x0f, 0x01, 0x16, 0, 5}, Vector::kGp, 0));
}

}  // namespace
}  // namespace ring1::emulator
