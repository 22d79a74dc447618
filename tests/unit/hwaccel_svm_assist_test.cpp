// SPDX-License-Identifier: GPL-2.0-only
// What an exit tells of its instruction, for the values that a VMCB may hold (APM 2 15.7.1, 15.33).
#include <gtest/gtest.h>

#include <vector>

#include "hwaccel/svm/assist.h"
#include "hwaccel/svm/exit.h"
#include "x86/registers.h"

namespace ring1::hwaccel::svm {
namespace {

constexpr uint32_t kBoth = feature::kNextRip | feature::kDecodeAssists;
constexpr uint64_t kIsMove = uint64_t{1} << 63;
constexpr uint64_t kRip = 0xc0101000;
constexpr uint16_t kFlat32 = 0xc9b, kLong = 0xa9b;

Vmcb exit_at(uint64_t rip, uint64_t code, uint64_t info, unsigned length, bool code64) {
  Vmcb vmcb{};
  vmcb.state.rip = rip;
  vmcb.state.efer = code64 ? efer::kLme | efer::kLma : 0;
  vmcb.state.cs.attributes = code64 ? kLong : kFlat32;
  vmcb.control.exit_code = code;
  vmcb.control.exit_info1 = info;
  vmcb.control.next_rip = rip + length;
  return vmcb;
}

Vmcb exit32(uint64_t code, uint64_t info = 0, unsigned length = 3) { return exit_at(kRip, code, info, length, false); }
Vmcb exit64(uint64_t code, uint64_t info = 0, unsigned length = 3) {
  return exit_at(0xffffffff81000000, code, info, length, true);
}

std::vector<uint8_t> bytes_of(const InstructionBytes& known) { return {known.bytes, known.bytes + known.count}; }

struct Spelled {
  uint64_t code, info;
  std::vector<uint8_t> bytes;
};

TEST(SvmAssist, SpellsInstructionsOf32BitCode) {
  const Spelled table[] = {
      {0x72, 0, {0x0f, 0xa2}},                  // CPUID
      {0x78, 0, {0xf4}},                        // HLT
      {0x7c, 0, {0x0f, 0x32}},                  // RDMSR
      {0x7c, 1, {0x0f, 0x30}},                  // WRMSR
      {0x6f, 0, {0x0f, 0x33}},                  // RDPMC
      {0x76, 0, {0x0f, 0x08}},                  // INVD
      {0x89, 0, {0x0f, 0x09}},                  // WBINVD
      {0x00, kIsMove | 0, {0x0f, 0x20, 0xc0}},  // mov eax, cr0
      {0x03, kIsMove | 2, {0x0f, 0x20, 0xda}},  // mov edx, cr3
      {0x13, kIsMove | 0, {0x0f, 0x22, 0xd8}},  // mov cr3, eax
      {0x14, kIsMove | 4, {0x0f, 0x22, 0xe4}},  // mov cr4, esp
      {0x27, 1, {0x0f, 0x21, 0xf9}},            // mov ecx, dr7
      {0x36, 7, {0x0f, 0x23, 0xf7}},            // mov dr6, edi
  };
  for (const Spelled& entry : table) {
    const InstructionBytes known = instruction_of(exit32(entry.code, entry.info, 5), kBoth);
    EXPECT_EQ(bytes_of(known), entry.bytes) << std::hex << entry.code;
    EXPECT_EQ(known.length, 5) << std::hex << entry.code;
  }
}

TEST(SvmAssist, RegistersBeyondTheSeventhNeedAPrefix) {
  const Spelled table[] = {
      {0x18, kIsMove | 0, {0x44, 0x0f, 0x22, 0xc0}},   // mov cr8, rax
      {0x08, kIsMove | 9, {0x45, 0x0f, 0x20, 0xc1}},   // mov r9, cr8
      {0x13, kIsMove | 15, {0x41, 0x0f, 0x22, 0xdf}},  // mov cr3, r15
      {0x37, 8, {0x41, 0x0f, 0x23, 0xf8}},             // mov dr7, r8
      {0x04, kIsMove | 3, {0x0f, 0x20, 0xe3}},         // mov rbx, cr4
  };
  for (const Spelled& entry : table)
    EXPECT_EQ(bytes_of(instruction_of(exit64(entry.code, entry.info, 4), kBoth)), entry.bytes)
        << std::hex << entry.code;
}

// In 32-bit code only LOCK reaches CR8.
TEST(SvmAssist, WhatCannotBeSpelledIsFetched) {
  for (const uint64_t info : {kIsMove | 8, kIsMove | 15}) EXPECT_EQ(instruction_of(exit32(0x13, info), kBoth).count, 0);
  EXPECT_EQ(instruction_of(exit32(0x18, kIsMove), kBoth).count, 0);
  EXPECT_EQ(instruction_of(exit32(0x74), kBoth).count, 0);  // IRET
  EXPECT_EQ(instruction_of(exit32(0x79), kBoth).count, 0);  // INVLPG
  EXPECT_EQ(instruction_of(exit32(0x81), kBoth).count, 0);  // VMMCALL
  EXPECT_EQ(instruction_of(exit32(0x60), kBoth).count, 0);  // a physical interrupt
}

TEST(SvmAssist, AccessesOfControlRegistersOtherThanMovAreFetched) {
  EXPECT_EQ(instruction_of(exit32(0x00, 0), kBoth).count, 0);  // SMSW
  EXPECT_EQ(instruction_of(exit32(0x10, 0), kBoth).count, 0);  // LMSW, CLTS
}

TEST(SvmAssist, EachFeatureCountsForItsOwn) {
  EXPECT_EQ(instruction_of(exit32(0x72), feature::kNextRip).count, 2);
  EXPECT_EQ(instruction_of(exit32(0x13, kIsMove), feature::kNextRip).count, 0);
  EXPECT_EQ(instruction_of(exit32(0x72), feature::kDecodeAssists).count, 0);
  EXPECT_EQ(instruction_of(exit32(0x13, kIsMove), feature::kDecodeAssists).count, 0);
  EXPECT_EQ(instruction_of(exit32(0x13, kIsMove), 0).count, 0);
}

TEST(SvmAssist, ANextRipThatCannotBeIsNotBelieved) {
  Vmcb vmcb = exit32(0x72);
  EXPECT_EQ(next_rip_distance(vmcb, kBoth), 3u);
  EXPECT_EQ(next_rip_distance(vmcb, feature::kDecodeAssists), 0u);
  for (const uint64_t next : {uint64_t{0}, kRip, kRip - 1, kRip + 16}) {
    vmcb.control.next_rip = next;
    EXPECT_EQ(next_rip_distance(vmcb, kBoth), 0u) << std::hex << next;
    EXPECT_EQ(instruction_of(vmcb, kBoth).count, 0) << std::hex << next;
  }
}

TEST(SvmAssist, EipWrapsIn32BitCodeOnly) {
  Vmcb vmcb = exit_at(0xfffffffe, 0x72, 0, 2, false);
  vmcb.control.next_rip = 1;
  EXPECT_EQ(next_rip_distance(vmcb, kBoth), 3u);
  vmcb.state.efer = efer::kLma;
  vmcb.state.cs.attributes = kLong;
  EXPECT_EQ(next_rip_distance(vmcb, kBoth), 0u);
  vmcb.state.cs.attributes = kFlat32;  // compatibility mode
  EXPECT_EQ(next_rip_distance(vmcb, kBoth), 3u);
}

TEST(SvmAssist, PageFaultsBringTheBytesThatWereFetched) {
  for (const uint64_t code : {0x400, 0x4e}) {
    Vmcb vmcb = exit32(code);
    vmcb.control.fetched_count = 0xf0 | 15;  // bits 7:4 are reserved
    for (unsigned i = 0; i < 15; i++) vmcb.control.fetched[i] = static_cast<uint8_t>(0x10 + i);
    InstructionBytes known = instruction_of(vmcb, feature::kDecodeAssists);
    ASSERT_EQ(known.count, 15);
    EXPECT_EQ(known.length, 0);
    EXPECT_EQ(known.bytes[0], 0x10);
    EXPECT_EQ(known.bytes[14], 0x1e);
    vmcb.control.fetched_count = 2;
    EXPECT_EQ(bytes_of(instruction_of(vmcb, kBoth)), (std::vector<uint8_t>{0x10, 0x11}));
    EXPECT_EQ(instruction_of(vmcb, feature::kNextRip).count, 0);
    vmcb.control.fetched_count = 0;
    EXPECT_EQ(instruction_of(vmcb, kBoth).count, 0);
  }
}

TEST(SvmAssist, OtherExitsLeaveTheBytesAlone) {
  Vmcb vmcb = exit32(0x4d);
  vmcb.control.fetched_count = 5;
  EXPECT_EQ(instruction_of(vmcb, kBoth).count, 0);
}

TEST(SvmAssist, InvlpgNamesItsAddress) {
  const Vmcb vmcb = exit32(0x79, 0xfffb7123);
  uint64_t linear = 0;
  EXPECT_FALSE(invlpg_address(vmcb, feature::kNextRip, &linear));
  ASSERT_TRUE(invlpg_address(vmcb, kBoth, &linear));
  EXPECT_EQ(linear, 0xfffb7123u);
  EXPECT_FALSE(invlpg_address(exit32(0x7a, 0xfffb7123), kBoth, &linear));  // INVLPGA
}

}  // namespace
}  // namespace ring1::hwaccel::svm
