// SPDX-License-Identifier: GPL-2.0-only
// 64-bit code: the interpreter against the processor the test runs on. RING1_FUZZ_ROUNDS sets how many instances of
// each form; RING1_SEED where to start.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

#include "emulator/decode_cache.h"
#include "emulator_core_machine.h"
#include "emulator_long_case.h"

namespace ring1::emulator::test {
namespace {

constexpr unsigned kDefaultRounds = 100;

unsigned long from_environment(const char* name, unsigned long otherwise) {
  const char* text = getenv(name);
  return text ? strtoul(text, nullptr, 0) : otherwise;
}

class LongDifferential : public ::testing::Test {
 protected:
  LongDifferential() {
    machine_.add(LongNative::kSnippet, 128);
    machine_.add(LongNative::kLowData, LongNative::kDataSize);
    machine_.add(LongNative::kHighData, LongNative::kDataSize);
  }

  void compare(const LongCase& the_case, const uint8_t* data) {
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
    if (!native_.run(the_case.bytes, the_case.length, &native)) {
      ASSERT_EQ(outcome, Outcome::kFault) << describe(the_case);
      ++faults_;
      return;
    }
    ASSERT_EQ(outcome, Outcome::kDone) << describe(the_case) << " fault " << int(fault.vector);
    for (unsigned i = 0; i < 16; ++i)
      ASSERT_EQ(cpu.gpr[i], native.gpr[i]) << describe(the_case) << " register " << i << std::hex << " before "
                                           << the_case.state.gpr[i] << " rax " << the_case.state.gpr[0];
    ASSERT_EQ(cpu.rip - LongNative::kSnippet, native.rip) << describe(the_case);
    ASSERT_EQ(memcmp(native_data, machine_.at(the_case.data_base), LongNative::kDataSize), 0) << describe(the_case);
    constexpr uint32_t kCompared = eflags::kArithmetic | eflags::kDf;
    const auto differ = static_cast<uint32_t>(cpu.rflags ^ native.flags) & kCompared;
    ASSERT_EQ(differ & ~the_case.undefined, 0u)
        << describe(the_case) << std::hex << " emulator " << cpu.rflags << " processor " << native.flags;
  }

  LongNative native_;
  FlatMachine machine_;
  DecodeCache cache_;
  unsigned faults_ = 0;
};

TEST_F(LongDifferential, EveryForm) {
  if (!native_.available()) GTEST_SKIP() << "the addresses are taken";
  const unsigned long rounds = from_environment("RING1_FUZZ_ROUNDS", kDefaultRounds);
  std::mt19937_64 random(from_environment("RING1_SEED", 1));
  std::vector<uint8_t> data(LongNative::kDataSize);
  for (const Form& form : long_forms()) {
    faults_ = 0;
    for (unsigned long i = 0; i < rounds; ++i) {
      const LongCase the_case = make_long_case(form, random, data.data());
      compare(the_case, data.data());
      if (HasFatalFailure()) return;
    }
    ASSERT_LT(faults_, rounds) << form.name << ": no instance ran";
  }
}

}  // namespace
}  // namespace ring1::emulator::test
