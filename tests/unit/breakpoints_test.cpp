// SPDX-License-Identifier: GPL-2.0-only
// x86/breakpoints.h
#include "x86/breakpoints.h"

#include <gtest/gtest.h>

namespace ring1::breakpoint {
namespace {

constexpr uint64_t kLocal = 1, kGlobal = 2;

ring1_cpu_state with(unsigned n, uint64_t address, Kind kind, unsigned len, uint64_t enable = kLocal) {
  ring1_cpu_state cpu{};
  cpu.dr[n] = address;
  cpu.dr[6] = kDr6Fixed1;
  cpu.dr[7] = kDr7Fixed1 | enable << (2 * n) | uint64_t(kind) << (16 + 4 * n) | uint64_t{len} << (18 + 4 * n);
  return cpu;
}

TEST(Breakpoints, AreOffUntilEnabled) {
  ring1_cpu_state cpu = with(2, 0x1000, Kind::kCode, 0, 0);
  EXPECT_FALSE(any(cpu));
  EXPECT_EQ(met_by_code(cpu, 0x1000), 0u);
  for (uint64_t enable : {kLocal, kGlobal}) {
    cpu = with(2, 0x1000, Kind::kCode, 0, enable);
    EXPECT_TRUE(any(cpu));
    EXPECT_EQ(met_by_code(cpu, 0x1000), 4u);
  }
  EXPECT_EQ(met_by_code(cpu, 0xfff), 0u);
  EXPECT_EQ(met_by_code(cpu, 0x1001), 0u);
}

TEST(Breakpoints, DataByOverlap) {
  const ring1_cpu_state writes = with(1, 0x1004, Kind::kWrite, 3);
  EXPECT_EQ(met_by_data(writes, 0x1004, 4, true), 2u);
  EXPECT_EQ(met_by_data(writes, 0x1004, 4, false), 0u);
  EXPECT_EQ(met_by_data(writes, 0x1001, 4, true), 2u);
  EXPECT_EQ(met_by_data(writes, 0x1000, 4, true), 0u);
  EXPECT_EQ(met_by_data(writes, 0x1007, 1, true), 2u);
  EXPECT_EQ(met_by_data(writes, 0x1008, 1, true), 0u);
  EXPECT_EQ(met_by_code(writes, 0x1004), 0u);
  EXPECT_EQ(met_by_data(with(1, 0x1004, Kind::kAccess, 3), 0x1006, 1, false), 2u);
}

TEST(Breakpoints, TheLengthAlignsTheAddress) {
  const ring1_cpu_state cpu = with(0, 0x1007, Kind::kWrite, 3);
  EXPECT_EQ(met_by_data(cpu, 0x1004, 1, true), 1u);
  EXPECT_EQ(met_by_data(cpu, 0x1008, 1, true), 0u);
  EXPECT_EQ(met_by_data(with(0, 0x100d, Kind::kWrite, 2), 0x1008, 1, true), 1u);
  EXPECT_EQ(met_by_data(with(0, 0xffffffff, Kind::kWrite, 0), 0xfffffffe, 2, true), 1u);
}

TEST(Breakpoints, PortsNeedDe) {
  ring1_cpu_state cpu = with(3, 0x3f8, Kind::kPort, 1);
  EXPECT_EQ(met_by_port(cpu, 0x3f8, 1), 0u);
  cpu.cr4 = cr4::kDe;
  EXPECT_EQ(met_by_port(cpu, 0x3f9, 1), 8u);
  EXPECT_EQ(met_by_port(cpu, 0x3f6, 4), 8u);
  EXPECT_EQ(met_by_port(cpu, 0x3fa, 1), 0u);
  EXPECT_EQ(met_by_data(cpu, 0x3f8, 1, true), 0u);
}

TEST(Breakpoints, RoomBeforeTheNext) {
  ring1_cpu_state cpu = with(0, 0x1010, Kind::kCode, 0);
  cpu.dr[1] = 0x1008;
  cpu.dr[7] |= kLocal << 2;
  EXPECT_EQ(room_before_code(cpu, 0x1000, 256), 8u);
  EXPECT_EQ(room_before_code(cpu, 0x1000, 4), 4u);
  EXPECT_EQ(room_before_code(cpu, 0x1008, 256), 8u);
  EXPECT_EQ(room_before_code(cpu, 0x1010, 256), 256u);
  EXPECT_EQ(room_before_code(with(0, 2, Kind::kCode, 0), 0xfffffff0, 256), 0x12u);
}

TEST(Breakpoints, ControlForTheProcessor) {
  ring1_cpu_state cpu = with(1, 0x1000, Kind::kWrite, 3, kGlobal);
  cpu.dr[7] |= 0x2000 | 0x300 | 1;  // GD, GE, LE, and DR0 on execution
  EXPECT_EQ(control(cpu, kAll), 0x00d00409u);
  EXPECT_EQ(control(cpu, 2), 0x00d00408u);
  EXPECT_EQ(control(cpu, 0), kDr7Fixed1);
}

TEST(Breakpoints, Dr6KeepsWhatIsNotAboutBreakpoints) {
  ring1_cpu_state cpu{};
  cpu.dr[6] = kDr6Fixed1 | kDr6Bs | 5;
  report(cpu, 2);
  EXPECT_EQ(cpu.dr[6], kDr6Fixed1 | kDr6Bs | 2);
}

}  // namespace
}  // namespace ring1::breakpoint
