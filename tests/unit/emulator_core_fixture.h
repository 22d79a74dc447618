// SPDX-License-Identifier: GPL-2.0-only
// A processor in some mode with 128 KiB of memory at 0 and a place for code.
#pragma once

#include <gtest/gtest.h>

#include "emulator_core_machine.h"

namespace ring1::emulator::test {

class CoreTest : public ::testing::Test {
 protected:
  static constexpr uint32_t kMemory = 0x20000, kSegment = 0x1000, kCodeOffset = 0x100;

  CoreTest() { machine.add(0, kMemory); }

  // Starts `state` at code placed at offset kCodeOffset of its CS.
  void start(const ring1_cpu_state& state, const std::vector<uint8_t>& code) {
    cpu = state;
    cpu.rip = kCodeOffset;
    machine.put(static_cast<uint32_t>(cpu.seg[kCs].base) + kCodeOffset, code);
  }
  Outcome go(unsigned rep_limit = 4096) { return step(cpu, machine, &fault, rep_limit); }
  // Executes one instruction that must succeed.
  void ok(unsigned rep_limit = 4096) { ASSERT_EQ(go(rep_limit), Outcome::kDone) << "vector " << int(fault.vector); }
  // Executes one instruction that must fault and change nothing.
  void faults(Vector vector, uint32_t error_code = 0) {
    const ring1_cpu_state before = cpu;
    ASSERT_EQ(go(), Outcome::kFault);
    EXPECT_EQ(fault.vector, vector);
    if (pushes_error_code(vector)) { EXPECT_EQ(fault.error_code, error_code); }
    EXPECT_EQ(memcmp(&before, &cpu, sizeof cpu), 0);
  }

  FlatMachine machine;
  ring1_cpu_state cpu{};
  Fault fault{};
};

}  // namespace ring1::emulator::test
