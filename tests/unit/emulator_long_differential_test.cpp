// SPDX-License-Identifier: GPL-2.0-only
// 64-bit code: the interpreter against the processor the test runs on. RING1_FUZZ_ROUNDS sets how many instances of
// each form; RING1_SEED where to start.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

#include "emulator/decode_cache.h"
#include "emulator_core_machine.h"
#include "emulator_core_qemu.h"
#include "emulator_long_case.h"
#include "oracle.h"

namespace ring1::emulator::test {
namespace {

constexpr unsigned kDefaultRounds = 100;

class LongDifferential : public ::testing::Test {
 protected:
  LongDifferential() {
    machine_.add(LongNative::kSnippet, 128);
    machine_.add(LongNative::kLowData, LongNative::kDataSize);
    machine_.add(LongNative::kHighData, LongNative::kDataSize);
  }

  // Runs the case on both; what differs, if anything.
  Difference compare(const LongCase& the_case, const uint8_t* data) {
    auto* native_data = reinterpret_cast<uint8_t*>(the_case.data_base);
    memcpy(native_data, data, LongNative::kDataSize);
    memcpy(machine_.at(the_case.data_base), data, LongNative::kDataSize);
    memcpy(machine_.at(LongNative::kSnippet), the_case.bytes, the_case.length);

    ring1_cpu_state cpu = long64(3);
    for (unsigned i = 0; i < 16; ++i) cpu.gpr[i] = the_case.state.gpr[i];
    cpu.rip = LongNative::kSnippet;
    cpu.rflags = the_case.state.flags;
    Fault fault{};
    Outcome outcome;
    unsigned steps = 0;
    do {
      outcome = step(cpu, machine_, &fault, 3, &cache_);
    } while (outcome == Outcome::kDone && cpu.rip == LongNative::kSnippet && ++steps < 100);

    LongState native = the_case.state;
    const bool ran = native_.run(the_case.bytes, the_case.length, &native);
    ++compared_;
    if (native_.endless()) return Difference::kEndless;
    if (ran != (outcome == Outcome::kDone)) return Difference::kFault;
    if (!ran) {
      ++faults_;
      return Difference::kNone;
    }
    for (unsigned i = 0; i < 16; ++i)
      if (cpu.gpr[i] != native.gpr[i]) return Difference::kRegister;
    if (cpu.rip - LongNative::kSnippet != native.rip) return Difference::kTarget;
    if (memcmp(native_data, machine_.at(the_case.data_base), LongNative::kDataSize) != 0) return Difference::kMemory;
    constexpr uint32_t kCompared = eflags::kArithmetic | eflags::kDf;
    const auto differ = static_cast<uint32_t>(cpu.rflags ^ native.flags) & kCompared;
    return differ & ~the_case.undefined ? Difference::kFlags : Difference::kNone;
  }

  LongNative native_;
  FlatMachine machine_;
  DecodeCache cache_;
  unsigned faults_ = 0;
  uint64_t compared_ = 0;
};

TEST_F(LongDifferential, EveryForm) {
  if (!native_.available()) GTEST_SKIP() << "the addresses are taken";
  const unsigned long rounds = ring1::test::from_environment("RING1_FUZZ_ROUNDS", kDefaultRounds);
  std::mt19937_64 random(ring1::test::from_environment("RING1_SEED", 1));
  std::vector<uint8_t> data(LongNative::kDataSize);
  for (const Form& form : long_forms()) {
    faults_ = 0;
    unsigned unlike = 0;
    for (unsigned long i = 0; i < rounds; ++i) {
      const LongCase the_case = make_long_case(form, random, data.data());
      const Difference difference = compare(the_case, data.data());
      if (difference == Difference::kNone || (ring1::test::oracle_is_qemu() && qemu_differs(form, difference)))
        continue;
      if (++unlike == 1)
        ADD_FAILURE() << describe(the_case) << ": " << name(difference) << std::hex << ", rax " << the_case.state.gpr[0]
                      << " rcx " << the_case.state.gpr[1];
    }
    EXPECT_EQ(unlike, 0u) << form.name << ": instances that differ, of " << rounds;
    EXPECT_LT(faults_, rounds) << form.name << ": no instance ran";
  }
  ring1::test::report_compared("emulator, 64-bit code", compared_);
}

}  // namespace
}  // namespace ring1::emulator::test
