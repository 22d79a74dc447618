// SPDX-License-Identifier: GPL-2.0-only
// The interpreter against the processor the test runs on: registers, memory, branch and defined flags after random
// instances of every form. RING1_FUZZ_ROUNDS sets how many of each; RING1_SEED where to start.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "emulator/decode_cache.h"
#include "emulator_core_forms.h"
#include "emulator_core_machine.h"

namespace ring1::emulator::test {
namespace {

constexpr unsigned kDefaultRounds = 80;

unsigned long from_environment(const char* name, unsigned long otherwise) {
  const char* text = getenv(name);
  return text ? strtoul(text, nullptr, 0) : otherwise;
}

class Differential : public ::testing::Test {
 protected:
  Differential() {
    machine_.add(Native32::kSnippet, 128);
    machine_.add(Native32::kData, Native32::kDataSize);
  }

  void compare(const Case& the_case, const uint8_t* data) {
    memcpy(native_.data(), data, Native32::kDataSize);
    memcpy(machine_.at(Native32::kData), data, Native32::kDataSize);
    memcpy(machine_.at(Native32::kSnippet), the_case.bytes, the_case.length);

    ring1_cpu_state cpu = protected32(3);
    for (unsigned i = 0; i < 8; ++i) cpu.gpr[i] = the_case.state.gpr[i];
    cpu.rip = Native32::kSnippet;
    cpu.rflags = the_case.state.flags;
    Fault fault{};
    Outcome outcome;
    unsigned steps = 0;
    do {
      outcome = step(cpu, machine_, &fault, 3, &cache_);  // the code changes all the time at one address
    } while (outcome == Outcome::kDone && cpu.rip == Native32::kSnippet && ++steps < 100);

    NativeState native = the_case.state;
    const bool ran = native_.run(the_case.bytes, the_case.length, &native);
    if (!ran) {
      ASSERT_EQ(outcome, Outcome::kFault) << describe(the_case);
      return;
    }
    ASSERT_EQ(outcome, Outcome::kDone) << describe(the_case) << " fault " << int(fault.vector);
    for (unsigned i = 0; i < 8; ++i)
      ASSERT_EQ(cpu.gpr[i], native.gpr[i]) << describe(the_case) << " register " << i << std::hex << " eax "
                                            << the_case.state.gpr[0] << " ecx " << the_case.state.gpr[1];
    ASSERT_EQ(cpu.rip - Native32::kSnippet, native.rip) << describe(the_case);
    ASSERT_EQ(memcmp(native_.data(), machine_.at(Native32::kData), Native32::kDataSize), 0) << describe(the_case);
    constexpr uint32_t kCompared = eflags::kArithmetic | eflags::kDf;
    const uint32_t differ = (cpu.rflags ^ native.flags) & kCompared;
    ASSERT_EQ(differ & ~the_case.undefined, 0u) << describe(the_case) << std::hex << " emulator " << cpu.rflags
                                                << " processor " << native.flags;
    undefined_ |= differ;
  }

  Native32 native_;
  FlatMachine machine_;
  DecodeCache cache_;
  uint32_t undefined_ = 0;  // undefined flags that came out differently
};

TEST_F(Differential, EveryForm) {
  if (!native_.available()) GTEST_SKIP() << "no 32-bit user segments here";
  const unsigned long rounds = from_environment("RING1_FUZZ_ROUNDS", kDefaultRounds);
  std::mt19937 random(from_environment("RING1_SEED", 1));
  std::vector<uint8_t> data(Native32::kDataSize);
  const bool verbose = getenv("RING1_VERBOSE");
  for (const Form& form : all_forms()) {
    undefined_ = 0;
    for (unsigned long i = 0; i < rounds; ++i) {
      const Case the_case = make_case(form, random, data.data());
      compare(the_case, data.data());
      if (HasFatalFailure()) return;
    }
    if (verbose && undefined_) printf("%s %02x: undefined flags differ %x\n", form.name, form.opcode[0], undefined_);
  }
}

}  // namespace
}  // namespace ring1::emulator::test
