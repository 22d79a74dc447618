// SPDX-License-Identifier: GPL-2.0-only
// The interpreter against the processor the test runs on: registers, memory, branch and defined flags after
// random instances of every form. RING1_FUZZ_ROUNDS sets how many of each; RING1_SEED where to start.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "emulator/decode_cache.h"
#include "emulator_core_forms.h"
#include "emulator_core_machine.h"

namespace ring1::emulator::test {
namespace {

constexpr unsigned kDefaultRounds = 60;

unsigned long from_environment(const char* name, unsigned long otherwise) {
  const char* text = getenv(name);
  return text ? strtoul(text, nullptr, 0) : otherwise;
}

class Differential : public ::testing::Test {
 protected:
  Differential() {
    machine_.add(Native::kSnippet, 128);
    machine_.add(Native::kData, Native::kDataSize);
  }

  void compare(const Case& the_case, const uint8_t* data) {
    memcpy(native_.data(), data, Native::kDataSize);
    memcpy(machine_.at(Native::kData), data, Native::kDataSize);
    memcpy(machine_.at(Native::kSnippet), the_case.bytes, the_case.length);

    const bool small = the_case.code_size == CodeSize::k16;
    const uint32_t start = Native::kSnippet - (small ? Native::kCode : 0);
    ring1_cpu_state cpu = small ? small_segments() : protected32(3);
    for (unsigned i = 0; i < 8; ++i) cpu.gpr[i] = the_case.state.gpr[i];
    cpu.rip = start;
    cpu.rflags = the_case.state.flags;
    Fault fault{};
    Outcome outcome;
    unsigned steps = 0;
    do {
      outcome = step(cpu, machine_, &fault, 3, &cache_);  // the code changes all the time at one address
    } while (outcome == Outcome::kDone && cpu.rip == start && ++steps < 100);

    NativeState native = the_case.state;
    const bool ran = native_.run(the_case.code_size, the_case.bytes, the_case.length, &native);
    if (!ran) {
      ASSERT_EQ(outcome, Outcome::kFault) << describe(the_case);
      ++faults_;
      return;
    }
    ASSERT_EQ(outcome, Outcome::kDone) << describe(the_case) << " fault " << int(fault.vector);
    for (unsigned i = 0; i < 8; ++i)
      ASSERT_EQ(cpu.gpr[i], native.gpr[i]) << describe(the_case) << " register " << i << std::hex << " eax "
                                           << the_case.state.gpr[0] << " ecx " << the_case.state.gpr[1];
    ASSERT_EQ(cpu.rip - start, native.rip) << describe(the_case);
    ASSERT_EQ(memcmp(native_.data(), machine_.at(Native::kData), Native::kDataSize), 0) << describe(the_case);
    constexpr uint32_t kCompared = eflags::kArithmetic | eflags::kDf;
    const uint32_t differ = (cpu.rflags ^ native.flags) & kCompared;
    ASSERT_EQ(differ & ~the_case.undefined, 0u)
        << describe(the_case) << std::hex << " emulator " << cpu.rflags << " processor " << native.flags;
    undefined_ |= differ;
  }

  static ring1_cpu_state small_segments() {
    ring1_cpu_state cpu = protected32(3);
    for (auto& segment : cpu.seg) segment = {Native::kData, Native::kDataSize - 1, at_dpl(kData16, 3), 0xf, {}};
    cpu.seg[kCs] = {Native::kCode, 0xffff, at_dpl(kCode16, 3), 0x7, {}};
    return cpu;
  }

  void every_form(CodeSize code_size) {
    if (!native_.available(code_size)) GTEST_SKIP() << "no user segments of this size here";
    const unsigned long rounds = from_environment("RING1_FUZZ_ROUNDS", kDefaultRounds);
    std::mt19937 random(from_environment("RING1_SEED", 1));
    std::vector<uint8_t> data(Native::kDataSize);
    const bool verbose = getenv("RING1_VERBOSE");
    for (const Form& form : all_forms()) {
      undefined_ = faults_ = 0;
      for (unsigned long i = 0; i < rounds; ++i) {
        const Case the_case = make_case(form, code_size, random, data.data());
        compare(the_case, data.data());
        if (HasFatalFailure()) return;
      }
      ASSERT_LT(faults_, rounds) << form.name << ": no instance ran";
      if (verbose && (undefined_ || faults_))
        printf("%s %02x: undefined flags that differ %x, faults %u\n", form.name, form.opcode[0], undefined_, faults_);
    }
  }

  Native native_;
  FlatMachine machine_;
  DecodeCache cache_;
  unsigned faults_ = 0;
  uint32_t undefined_ = 0;  // undefined flags that came out differently
};

TEST_F(Differential, EveryForm) { every_form(CodeSize::k32); }
TEST_F(Differential, EveryFormIn16BitCode) { every_form(CodeSize::k16); }

}  // namespace
}  // namespace ring1::emulator::test
