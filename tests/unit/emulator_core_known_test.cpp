// SPDX-License-Identifier: GPL-2.0-only
// Instructions whose bytes the processor has told: they are not fetched.
#include "emulator/decode_cache.h"
#include "emulator_core_fixture.h"

namespace ring1::emulator::test {
namespace {

class Known : public CoreTest {
 protected:
  static InstructionBytes bytes(const std::vector<uint8_t>& list, uint8_t length = 0) {
    InstructionBytes known{.count = static_cast<uint8_t>(list.size()), .length = length, .bytes = {}};
    for (size_t i = 0; i < list.size(); i++) known.bytes[i] = list[i];
    return known;
  }
  Outcome go(const InstructionBytes& known, DecodeCache* cache = nullptr) {
    machine.fetched = 0;
    return step(cpu, machine, &fault, 4096, cache, &known);
  }
};

constexpr uint32_t kNowhere = 0x50000;  // no memory there

TEST_F(Known, NothingIsFetched) {
  cpu = protected32();
  cpu.rip = kNowhere;
  ASSERT_EQ(go(bytes({0xb8, 0x44, 0x33, 0x22, 0x11, 0x90, 0x90})), Outcome::kDone);  // mov eax, 11223344h
  EXPECT_EQ(cpu.gpr[kRax], 0x11223344u);
  EXPECT_EQ(cpu.rip, kNowhere + 5);
  EXPECT_EQ(machine.fetched, 0u);
}

TEST_F(Known, TheNextInstructionLiesWhereItIsSaid) {
  cpu = protected32();
  cpu.rip = kNowhere;
  ASSERT_EQ(go(bytes({0x0f, 0xa2}, 4)), Outcome::kDone);  // CPUID with two prefixes
  EXPECT_EQ(cpu.gpr[kRdx], 4u);
  EXPECT_EQ(cpu.rip, kNowhere + 4);
}

TEST_F(Known, AFaultNamesTheInstructionItself) {
  cpu = protected32(3);
  cpu.rip = kNowhere;
  ASSERT_EQ(go(bytes({0xf4}, 2)), Outcome::kFault);
  EXPECT_EQ(fault.vector, Vector::kGp);
  EXPECT_EQ(cpu.rip, kNowhere);
}

TEST_F(Known, TheRestOfAnInstructionIsFetched) {
  start(protected32(), {0xb8, 0x44, 0x33, 0x22, 0x11});
  ASSERT_EQ(go(bytes({0xb8, 0x44})), Outcome::kDone);
  EXPECT_EQ(cpu.gpr[kRax], 0x11223344u);
  EXPECT_NE(machine.fetched, 0u);
  cpu.rip = kNowhere;
  ASSERT_EQ(go(bytes({0xb8, 0x44})), Outcome::kFault);
  EXPECT_EQ(fault.vector, Vector::kPf);
  EXPECT_EQ(fault.cr2, kNowhere + 2);
}

TEST_F(Known, NoneKnownIsAnOrdinaryFetch) {
  start(protected32(), {0xb0, 0x07});
  ASSERT_EQ(go(bytes({})), Outcome::kDone);
  EXPECT_EQ(cpu.gpr[kRax] & 0xff, 7u);
  EXPECT_NE(machine.fetched, 0u);
}

// Beyond the limit of CS there is nothing to fetch, however much is known.
TEST_F(Known, TheLimitHoldsForTheRest) {
  ring1_cpu_state state = protected32();
  state.seg[kCs].limit = kCodeOffset;
  start(state, {0xb8, 0x44, 0x33, 0x22, 0x11});
  ASSERT_EQ(go(bytes({0xb8, 0x44, 0x33})), Outcome::kFault);
  EXPECT_EQ(fault.vector, Vector::kGp);
}

TEST_F(Known, TheCacheBelievesThemToo) {
  DecodeCache cache;
  cpu = protected32();
  for (const uint8_t value : {0x11, 0x11, 0x22}) {
    cpu.rip = kNowhere;
    ASSERT_EQ(go(bytes({0xb0, value, 0x90}), &cache), Outcome::kDone);
    EXPECT_EQ(cpu.gpr[kRax] & 0xff, value);
    EXPECT_EQ(machine.fetched, 0u);
  }
}

}  // namespace
}  // namespace ring1::emulator::test
