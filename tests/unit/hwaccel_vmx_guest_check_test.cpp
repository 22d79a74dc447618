// SPDX-License-Identifier: GPL-2.0-only
// The states that an entry refuses, one deviation from a good state at a time.
#include <gtest/gtest.h>

#include "hwaccel/vmx/guest_check.h"
#include "x86/registers.h"

namespace ring1::hwaccel::vmx {
namespace {

ring1_segment segment(uint16_t selector, uint32_t access) {
  return {.base = 0, .limit = 0xffffffff, .access = access, .selector = selector};
}

ring1_cpu_state kernel() {
  ring1_cpu_state cpu = {};
  cpu.cr0 = cr0::kPe | cr0::kPg;
  cpu.rflags = eflags::kFixed1;
  for (ring1_segment& s : cpu.seg) s = segment(0x10, 0xc093);
  cpu.seg[kCs] = segment(0x08, 0xc09b);
  cpu.ldtr.access = RING1_AR_UNUSABLE;
  cpu.tr = {.base = 0x1000, .limit = 0x67, .access = 0x8b, .selector = 0x28};
  return cpu;
}

ring1_cpu_state vm86() {
  ring1_cpu_state cpu = kernel();
  cpu.rflags |= eflags::kVm;
  for (ring1_segment& s : cpu.seg) s = {.base = 0x12340, .limit = 0xffff, .access = 0xf3, .selector = 0x1234};
  return cpu;
}

ring1_cpu_state real() {
  ring1_cpu_state cpu = kernel();
  cpu.cr0 = 0;
  for (ring1_segment& s : cpu.seg) s = {.base = 0xf0000, .limit = 0xffff, .access = 0x93, .selector = 0xf000};
  return cpu;
}

TEST(VmxGuestCheck, OrdinaryStates) {
  EXPECT_EQ(check_guest(kernel(), false), Refusal::kNone);
  EXPECT_EQ(check_guest(kernel(), true), Refusal::kNone);
  ring1_cpu_state user = kernel();
  for (ring1_segment& s : user.seg) s = segment(0x23, 0xc0f3);
  user.seg[kCs] = segment(0x1b, 0xc0fb);
  user.seg[kGs] = {.base = 0, .limit = 0, .access = RING1_AR_UNUSABLE, .selector = 0};
  EXPECT_EQ(check_guest(user, false), Refusal::kNone);
  EXPECT_EQ(check_guest(vm86(), false), Refusal::kNone);
}

TEST(VmxGuestCheck, RealModeIsForUnrestrictedGuests) {
  EXPECT_EQ(check_guest(real(), false), Refusal::kRealMode);
  EXPECT_EQ(check_guest(real(), true), Refusal::kNone);
}

// Right behind MOV CR0 that sets PE: CS is still what real mode loaded.
TEST(VmxGuestCheck, TheFirstInstructionsOfProtectedMode) {
  ring1_cpu_state cpu = real();
  cpu.cr0 = cr0::kPe | cr0::kPg;
  EXPECT_EQ(check_guest(cpu, false), Refusal::kCodeSegment);
  EXPECT_EQ(check_guest(cpu, true), Refusal::kNone) << "type 3 is a code segment for an unrestricted guest";
  cpu = real();
  cpu.cr0 = cr0::kPe | cr0::kPg;
  cpu.seg[kCs].access = 0x9b;
  cpu.seg[kCs].selector = 0xf001;
  EXPECT_EQ(check_guest(cpu, false), Refusal::kStackSegment);
}

TEST(VmxGuestCheck, Segments) {
  struct Case {
    SegmentRegister which;
    uint32_t access, limit;
    Refusal refusal;
  };
  const Case cases[] = {
      {kCs, 0xc093, 0xffffffff, Refusal::kCodeSegment},   // data
      {kCs, 0xc01b, 0xffffffff, Refusal::kCodeSegment},   // not present
      {kCs, 0xc0fb, 0xffffffff, Refusal::kCodeSegment},   // DPL is not that of SS
      {kCs, 0x409b, 0xffffffff, Refusal::kCodeSegment},   // limit needs G
      {kCs, 0xc09b, 0xfffff000, Refusal::kCodeSegment},   // limit excludes G
      {kCs, 0x1c09b, 0xffffffff, Refusal::kCodeSegment},  // unusable
      {kSs, 0xc091, 0xffffffff, Refusal::kStackSegment},  // read-only
      {kSs, 0xc09b, 0xffffffff, Refusal::kStackSegment},  // code
      {kDs, 0xc092, 0xffffffff, Refusal::kDataSegment},   // not accessed
      {kEs, 0xc099, 0xffffffff, Refusal::kDataSegment},   // execute-only
      {kFs, 0xc082, 0xffffffff, Refusal::kDataSegment},   // system
      {kGs, 0x10000, 0, Refusal::kNone},                  // unusable
      {kDs, 0xc09f, 0xffffffff, Refusal::kNone},          // conforming, readable code
  };
  for (const Case& c : cases) {
    ring1_cpu_state cpu = kernel();
    cpu.seg[c.which].access = c.access;
    cpu.seg[c.which].limit = c.limit;
    EXPECT_EQ(check_guest(cpu, false), c.refusal) << int{c.which} << " access " << std::hex << c.access;
  }
}

TEST(VmxGuestCheck, LevelsMustAgreeUnlessUnrestricted) {
  ring1_cpu_state cpu = kernel();
  cpu.seg[kSs].selector = 0x11;
  EXPECT_EQ(check_guest(cpu, false), Refusal::kStackSegment);
  EXPECT_EQ(check_guest(cpu, true), Refusal::kNone);
  cpu = kernel();
  cpu.seg[kDs].selector = 0x13;  // RPL 3 and DPL 0: no longer loadable, but still loaded
  EXPECT_EQ(check_guest(cpu, false), Refusal::kDataSegment);
  EXPECT_EQ(check_guest(cpu, true), Refusal::kNone);
}

TEST(VmxGuestCheck, Vm86SegmentsFollowTheirSelectors) {
  for (unsigned i = 0; i < kSegmentCount; ++i) {
    ring1_cpu_state cpu = vm86();
    cpu.seg[i].base += 16;
    EXPECT_EQ(check_guest(cpu, true), Refusal::kVm86Segment) << i;
    cpu = vm86();
    cpu.seg[i].limit = 0xfffff;
    EXPECT_EQ(check_guest(cpu, true), Refusal::kVm86Segment) << i;
  }
  ring1_cpu_state cpu = vm86();
  cpu.efer = efer::kLma;
  EXPECT_EQ(check_guest(cpu, true), Refusal::kFlags);
}

TEST(VmxGuestCheck, LdtrAndRip) {
  ring1_cpu_state cpu = kernel();
  cpu.ldtr = {.base = 0x2000, .limit = 0xfff, .access = 0x82, .selector = 0x30};
  EXPECT_EQ(check_guest(cpu, false), Refusal::kNone);
  cpu.ldtr.selector = 0x34;
  EXPECT_EQ(check_guest(cpu, false), Refusal::kLdtr);
  cpu = kernel();
  cpu.rip = uint64_t{1} << 32;
  EXPECT_EQ(check_guest(cpu, true), Refusal::kRip);
  cpu.efer = efer::kLma;
  cpu.seg[kCs].access = 0xa09b;
  EXPECT_EQ(check_guest(cpu, true), Refusal::kNone) << "64-bit code";
  cpu.rip = uint64_t{1} << 47;
  EXPECT_EQ(check_guest(cpu, true), Refusal::kRip) << "not canonical";
}

TEST(VmxGuestCheck, TrBecomesBusy) {
  ring1_cpu_state cpu = kernel();
  EXPECT_EQ(tr_for_entry(cpu).base, 0x1000u) << "a good one stays";
  EXPECT_EQ(tr_for_entry(cpu).access, 0x8bu);
  cpu.tr.access = 0x89;
  EXPECT_EQ(tr_for_entry(cpu).access, 0x8bu);
  cpu.tr.access = 0x81;
  EXPECT_EQ(tr_for_entry(cpu).access, 0x83u) << "16-bit";
  cpu.tr.access = 0x83;
  cpu.efer = efer::kLma;
  EXPECT_EQ(tr_for_entry(cpu).access, 0x8bu) << "long mode knows no 16-bit TSS";
  cpu.efer = 0;
  cpu.tr = {.base = 0, .limit = 0, .access = RING1_AR_UNUSABLE, .selector = 4};
  EXPECT_EQ(tr_for_entry(cpu).access, 0x8bu);
  EXPECT_EQ(tr_for_entry(cpu).selector, 0);
}

}  // namespace
}  // namespace ring1::hwaccel::vmx
