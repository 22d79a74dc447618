// SPDX-License-Identifier: GPL-2.0-only
#include <gtest/gtest.h>

#include <string>

#include "hwaccel/svm/dump.h"
#include "hwaccel/svm/exit.h"
#include "hwaccel/svm/vmcb.h"

namespace ring1::hwaccel::svm {
namespace {

TEST(SvmEvent, AnExternalInterruptHasTypeZero) {
  EXPECT_EQ(encode_event({.valid = 1, .vector = 0x31}, true), 0x80000031u);
}

TEST(SvmEvent, AnNmiHasTypeTwo) { EXPECT_EQ(encode_event({.valid = 1, .vector = 2}, true), 0x80000202u); }

TEST(SvmEvent, AnExceptionCarriesItsErrorCode) {
  const ring1_pending_event event = {.valid = 1, .vector = 14, .is_exception = 1, .has_error = 1, .error_code = 6};
  EXPECT_EQ(encode_event(event, true), 0x6'80000b0eu);
}

TEST(SvmEvent, RealModeHasNoErrorCodes) {
  const ring1_pending_event event = {.valid = 1, .vector = 13, .is_exception = 1, .has_error = 1, .error_code = 8};
  EXPECT_EQ(encode_event(event, false), 0x8000030du);
}

TEST(SvmCutShort, WhatWasEncodedComesBack) {
  const ring1_pending_event events[] = {
      {.valid = 1, .vector = 0xec},
      {.valid = 1, .vector = 6, .is_exception = 1},
      {.valid = 1, .vector = 11, .is_exception = 1, .has_error = 1, .error_code = 0x58},
  };
  for (const ring1_pending_event& event : events) {
    const CutShort cut = decode_cut_short(encode_event(event, true));
    EXPECT_FALSE(cut.nmi);
    EXPECT_EQ(cut.event.valid, 1);
    EXPECT_EQ(cut.event.vector, event.vector);
    EXPECT_EQ(cut.event.is_exception, event.is_exception);
    EXPECT_EQ(cut.event.has_error, event.has_error);
    EXPECT_EQ(cut.event.error_code, event.error_code);
  }
}

TEST(SvmCutShort, AnNmiIsAnNmiAgain) {
  const CutShort cut = decode_cut_short(0x80000202);
  EXPECT_TRUE(cut.nmi);
  EXPECT_FALSE(cut.event.valid);
}

// INT n, INT3 and INTO: RIP stands at them.
TEST(SvmCutShort, SoftwareInterruptsAreExecutedAgain) {
  for (const uint64_t info : {0x80000480u, 0x80000303u, 0x80000304u}) {
    const CutShort cut = decode_cut_short(info);
    EXPECT_FALSE(cut.nmi) << info;
    EXPECT_FALSE(cut.event.valid) << info;
  }
}

TEST(SvmCutShort, NothingWithoutTheValidBit) {
  const CutShort cut = decode_cut_short(0x0000030e);
  EXPECT_FALSE(cut.nmi);
  EXPECT_FALSE(cut.event.valid);
}

TEST(SvmExit, NamesTellTheKindsApart) {
  EXPECT_EQ(std::string(name_of(static_cast<Exit>(0x03))), "read of a control register");
  EXPECT_EQ(std::string(name_of(static_cast<Exit>(0x14))), "write of a control register");
  EXPECT_EQ(std::string(name_of(static_cast<Exit>(0x4e))), "exception");
  EXPECT_EQ(std::string(name_of(static_cast<Exit>(0x400))), "nested page fault");
  EXPECT_EQ(std::string(name_of(static_cast<Exit>(~uint64_t{0}))), "invalid state");
}

// Codes of APM 2 appendix C.
TEST(SvmExit, EveryCodeHasOneKindInTheStatistics) {
  const auto kind = [](uint64_t code) { return kind_of(static_cast<Exit>(code)); };
  for (const uint64_t code : {0x00, 0x03, 0x0f, 0x10, 0x14, 0x1f, 0x65})
    EXPECT_EQ(kind(code), RING1_EXIT_CONTROL_REGISTER);
  for (const uint64_t code : {0x20, 0x2f, 0x30, 0x3f}) EXPECT_EQ(kind(code), RING1_EXIT_DEBUG_REGISTER);
  for (const uint64_t code : {0x41, 0x4d, 0x51}) EXPECT_EQ(kind(code), RING1_EXIT_EXCEPTION);
  for (const uint64_t code : {0x52, 0x60, 0x61, 0x62, 0x63}) EXPECT_EQ(kind(code), RING1_EXIT_INTERRUPT);
  EXPECT_EQ(kind(0x4e), RING1_EXIT_PAGE_FAULT);
  EXPECT_EQ(kind(0x64), RING1_EXIT_WINDOW);
  EXPECT_EQ(kind(0x72), RING1_EXIT_CPUID);
  EXPECT_EQ(kind(0x74), RING1_EXIT_IRET);
  EXPECT_EQ(kind(0x78), RING1_EXIT_HLT);
  EXPECT_EQ(kind(0x79), RING1_EXIT_INVLPG);
  EXPECT_EQ(kind(0x7b), RING1_EXIT_PORT);
  EXPECT_EQ(kind(0x7c), RING1_EXIT_MSR);
  EXPECT_EQ(kind(0x7d), RING1_EXIT_TASK_SWITCH);
  EXPECT_EQ(kind(0x81), RING1_EXIT_INSTRUCTION);
  EXPECT_EQ(kind(0x7f), RING1_EXIT_OTHER);
  EXPECT_EQ(kind(~uint64_t{0}), RING1_EXIT_OTHER);
}

TEST(SvmExit, PortsAreInTheInformation) {
  PortAccess access = decode_port(0x03fd0411);
  EXPECT_EQ(access.port, 0x3fd);
  EXPECT_EQ(access.size, 1);
  EXPECT_TRUE(access.is_in);
  EXPECT_FALSE(access.is_string);
  access = decode_port(0xffff0140);
  EXPECT_EQ(access.port, 0xffff);
  EXPECT_EQ(access.size, 4);
  EXPECT_FALSE(access.is_in);
  EXPECT_TRUE(decode_port(0x00800224 | 1u << 3).is_string);
  EXPECT_EQ(decode_port(0x00800224).size, 2);
}

TEST(SvmDump, EveryRowHasANameAndTheVmcbsValue) {
  Vmcb vmcb{};
  vmcb.control.exit_code = 0x400;
  vmcb.state.rip = 0x1234;
  VmcbRow rows[kVmcbRows];
  const unsigned count = dump_rows(vmcb, rows);
  bool found = false;
  for (unsigned i = 0; i < count; i++) {
    ASSERT_TRUE(rows[i].name && *rows[i].name);
    if (std::string(rows[i].name) == "RIP") found = rows[i].value == 0x1234;
  }
  EXPECT_TRUE(found);
  EXPECT_EQ(rows[0].value, 0x400u);
}

}  // namespace
}  // namespace ring1::hwaccel::svm
