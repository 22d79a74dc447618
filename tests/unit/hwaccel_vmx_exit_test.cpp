// SPDX-License-Identifier: GPL-2.0-only
#include <gtest/gtest.h>

#include <cstring>

#include "hwaccel/vmx/exit.h"

namespace ring1::hwaccel::vmx {
namespace {

TEST(VmxExit, ReasonAndFailedEntry) {
  EXPECT_EQ(reason_of(0x80000021), ExitReason::kEntryGuestState);
  EXPECT_TRUE(entry_failed(0x80000021));
  EXPECT_FALSE(entry_failed(48));
  EXPECT_STREQ(name_of(ExitReason::kEptViolation), "EPT violation");
  EXPECT_STREQ(name_of(ExitReason::kXrstors), "XRSTORS");
  EXPECT_STREQ(name_of(static_cast<ExitReason>(35)), "?");
  EXPECT_STREQ(name_of(static_cast<ExitReason>(500)), "?");
}

TEST(VmxExit, EventInfoBothWays) {
  const EventInfo fault = EventInfo::of(0x80000b0e);  // #PF with an error code
  EXPECT_TRUE(fault.valid && fault.has_error);
  EXPECT_EQ(fault.type, EventType::kHardwareException);
  EXPECT_EQ(fault.vector, 14);
  EXPECT_FALSE(fault.is_software());
  EXPECT_EQ(fault.field(), 0x80000b0eu);
  EXPECT_TRUE(EventInfo::of(0x80000480).is_software());  // INT 0x80
  EXPECT_TRUE(EventInfo::of(0x80000603).is_software());  // INT3
  EXPECT_TRUE(EventInfo::of(0x80001b0e).nmi_unblocking);
  EXPECT_FALSE(EventInfo::of(0x00000b0e).valid);
  EXPECT_EQ(EventInfo{}.field(), 0u);
}

TEST(VmxExit, ControlRegisters) {
  const CrAccess write = CrAccess::of(0x300);  // MOV CR0, EBX
  EXPECT_EQ(write.kind, CrAccess::Kind::kWrite);
  EXPECT_EQ(write.cr, 0);
  EXPECT_EQ(write.gpr, 3);
  EXPECT_EQ(CrAccess::of(0x18).kind, CrAccess::Kind::kRead);
  EXPECT_EQ(CrAccess::of(0xf18).cr, 8);
  EXPECT_EQ(CrAccess::of(0xf18).gpr, 15);
  EXPECT_EQ(CrAccess::of(0x20).kind, CrAccess::Kind::kClts);
  EXPECT_EQ(CrAccess::of(0x00110030).kind, CrAccess::Kind::kLmsw);
  EXPECT_EQ(CrAccess::of(0x00110030).lmsw_value, 0x11);
}

TEST(VmxExit, DebugRegisters) {
  EXPECT_TRUE(DrAccess::of(0x617).is_read);
  EXPECT_EQ(DrAccess::of(0x617).dr, 7);
  EXPECT_EQ(DrAccess::of(0x617).gpr, 6);
  EXPECT_FALSE(DrAccess::of(0x006).is_read);
}

TEST(VmxExit, Ports) {
  const IoAccess in = IoAccess::of(0x03f80008);
  EXPECT_TRUE(in.is_in);
  EXPECT_EQ(in.size, 1);
  EXPECT_EQ(in.port, 0x3f8);
  const IoAccess outs = IoAccess::of(0x01f00031);  // REP OUTSW
  EXPECT_TRUE(!outs.is_in && outs.is_string && outs.is_rep);
  EXPECT_EQ(outs.size, 2);
  EXPECT_EQ(IoAccess::of(0x00000003).size, 4);
}

TEST(VmxExit, TaskSwitchAndEptViolation) {
  EXPECT_EQ(TaskSwitchAccess::of(0xc0000028).source, TaskSwitchAccess::Source::kGate);
  EXPECT_EQ(TaskSwitchAccess::of(0xc0000028).selector, 0x28);
  EXPECT_EQ(TaskSwitchAccess::of(0x40000030).source, TaskSwitchAccess::Source::kIret);
  const EptViolation write = EptViolation::of(0x1aa);  // write to a page that was readable and executable
  EXPECT_TRUE(write.write && !write.read && !write.fetch);
  EXPECT_TRUE(write.readable && !write.writable && write.executable);
  EXPECT_TRUE(write.linear_valid && write.translation && !write.nmi_unblocking);
  EXPECT_TRUE(EptViolation::of(0x1181).nmi_unblocking);
  EXPECT_FALSE(EptViolation::of(0x081).translation);
}

TEST(VmxExit, KindsForTheStatistics) {
  const auto kind = [](unsigned reason, uint32_t interruption = 0) {
    return kind_of(static_cast<ExitReason>(reason), EventInfo::of(interruption));
  };
  EXPECT_EQ(kind(0, 0x80000b0e), RING1_EXIT_PAGE_FAULT);
  EXPECT_EQ(kind(0, 0x80000301), RING1_EXIT_EXCEPTION);
  for (const uint32_t struck : {0x80000202u, 0x80000312u})
    EXPECT_EQ(kind(0, struck), RING1_EXIT_INTERRUPT);  // NMI, #MC
  for (const unsigned for_host : {1, 52}) EXPECT_EQ(kind(for_host), RING1_EXIT_INTERRUPT);
  for (const unsigned window : {7, 8}) EXPECT_EQ(kind(window), RING1_EXIT_WINDOW);
  EXPECT_EQ(kind(9), RING1_EXIT_TASK_SWITCH);
  EXPECT_EQ(kind(10), RING1_EXIT_CPUID);
  EXPECT_EQ(kind(12), RING1_EXIT_HLT);
  EXPECT_EQ(kind(14), RING1_EXIT_INVLPG);
  EXPECT_EQ(kind(28), RING1_EXIT_CONTROL_REGISTER);
  EXPECT_EQ(kind(29), RING1_EXIT_DEBUG_REGISTER);
  EXPECT_EQ(kind(30), RING1_EXIT_PORT);
  for (const unsigned msr : {31, 32}) EXPECT_EQ(kind(msr), RING1_EXIT_MSR);
  EXPECT_EQ(kind(48), RING1_EXIT_NESTED_FAULT);
  EXPECT_EQ(kind(49), RING1_EXIT_DEVICE_MEMORY);
  for (const unsigned instruction : {13, 18, 54, 55}) EXPECT_EQ(kind(instruction), RING1_EXIT_INSTRUCTION);
  for (const unsigned other : {2, 33, 41}) EXPECT_EQ(kind(other), RING1_EXIT_OTHER);
}

TEST(VmxExit, InstructionErrors) {
  EXPECT_TRUE(strstr(describe_instruction_error(7), "control"));
  EXPECT_STREQ(describe_instruction_error(99), "unknown");
}

}  // namespace
}  // namespace ring1::hwaccel::vmx
