// SPDX-License-Identifier: GPL-2.0-only
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "hwaccel/svm/state.h"
#include "x86/registers.h"

namespace ring1::hwaccel::svm {
namespace {

ring1_segment flat_code() { return {.base = 0, .limit = 0xffffffff, .access = 0xc09b, .selector = 8, .pad = {}}; }

// APM 2 4.8: the attributes are bits 15:8 and 23:20 of a descriptor's upper half.
TEST(SvmState, AttributesAreThoseOfADescriptor) {
  ring1_cpu_state cpu{};
  cpu.seg[kCs] = flat_code();
  VmcbState state{};
  store_segments(cpu, false, &state);
  EXPECT_EQ(state.cs.attributes, 0xc9b);
  EXPECT_EQ(state.cs.limit, 0xffffffffu);
  EXPECT_EQ(state.cs.selector, 8);
}

TEST(SvmState, LongCodeKeepsItsBit) {
  ring1_cpu_state cpu{};
  cpu.seg[kCs] = flat_code();
  cpu.seg[kCs].access = 0xa09b;  // G, L
  VmcbState state{};
  store_segments(cpu, false, &state);
  EXPECT_EQ(state.cs.attributes, 0xa9b);
  ring1_cpu_state back{};
  load_segments(state, &back);
  EXPECT_EQ(back.seg[kCs].access, 0xa09bu);
}

TEST(SvmState, AnUnusableSegmentIsNotPresent) {
  ring1_cpu_state cpu{};
  cpu.seg[kFs] = {.base = 0, .limit = 0, .access = RING1_AR_UNUSABLE | 0x93, .selector = 0, .pad = {}};
  VmcbState state{};
  store_segments(cpu, false, &state);
  EXPECT_EQ(state.fs.attributes, 0);
  ring1_cpu_state back{};
  load_segments(state, &back);
  EXPECT_TRUE(back.seg[kFs].access & RING1_AR_UNUSABLE);
}

TEST(SvmState, TheProcessorsCplBecomesThatOfSs) {
  ring1_cpu_state cpu{};
  cpu.seg[kSs] = {.base = 0, .limit = 0xffffffff, .access = 0xc0f3, .selector = 0x7b, .pad = {}};
  VmcbState state{};
  store_segments(cpu, false, &state);
  EXPECT_EQ(state.cpl, 3);
  state.cpl = 0;
  load_segments(state, &cpu);
  EXPECT_EQ(cpu.seg[kSs].access, 0xc093u);
}

TEST(SvmState, TheTaskStateIsBusyButForAnEmulatedProcessor) {
  ring1_cpu_state cpu{};
  cpu.tr = {.base = 0x1000, .limit = 0x67, .access = 0x8b, .selector = 0x80, .pad = {}};
  VmcbState state{};
  store_segments(cpu, false, &state);
  EXPECT_EQ(state.tr.attributes, 0x8b);
  store_segments(cpu, true, &state);
  EXPECT_EQ(state.tr.attributes, 0x89);
  ring1_cpu_state back{};
  load_segments(state, &back);
  EXPECT_EQ(back.tr.access, 0x8bu);
}

TEST(SvmState, RegistersOfSystemCallsAndTablesComeBack) {
  std::mt19937_64 random(1);
  ring1_cpu_state cpu{}, back{};
  for (__u64* field : {&cpu.star, &cpu.lstar, &cpu.cstar, &cpu.sfmask, &cpu.kernel_gs_base, &cpu.sysenter_cs,
                       &cpu.sysenter_esp, &cpu.sysenter_eip, &cpu.gdtr.base, &cpu.idtr.base, &cpu.rip, &cpu.cr2})
    *field = random();
  cpu.gpr[kRax] = random();
  cpu.gpr[kRsp] = random();
  cpu.gdtr.limit = 0x7f;
  cpu.idtr.limit = 0x7ff;
  VmcbState state{};
  store_segments(cpu, false, &state);
  store_volatile(cpu, &state);
  load_segments(state, &back);
  load_volatile(state, &back);
  EXPECT_EQ(back.star, cpu.star);
  EXPECT_EQ(back.lstar, cpu.lstar);
  EXPECT_EQ(back.cstar, cpu.cstar);
  EXPECT_EQ(back.sfmask, cpu.sfmask);
  EXPECT_EQ(back.kernel_gs_base, cpu.kernel_gs_base);
  EXPECT_EQ(back.sysenter_cs, cpu.sysenter_cs);
  EXPECT_EQ(back.sysenter_esp, cpu.sysenter_esp);
  EXPECT_EQ(back.sysenter_eip, cpu.sysenter_eip);
  EXPECT_EQ(back.gdtr.base, cpu.gdtr.base);
  EXPECT_EQ(back.gdtr.limit, cpu.gdtr.limit);
  EXPECT_EQ(back.idtr.base, cpu.idtr.base);
  EXPECT_EQ(back.idtr.limit, cpu.idtr.limit);
  EXPECT_EQ(back.rip, cpu.rip);
  EXPECT_EQ(back.cr2, cpu.cr2);
  EXPECT_EQ(back.gpr[kRax], cpu.gpr[kRax]);
  EXPECT_EQ(back.gpr[kRsp], cpu.gpr[kRsp]);
}

}  // namespace
}  // namespace ring1::hwaccel::svm
