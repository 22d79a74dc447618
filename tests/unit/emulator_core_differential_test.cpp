// SPDX-License-Identifier: GPL-2.0-only
// The interpreter against the processor the test runs on: registers, memory, branch and defined flags after
// random instances of every form. RING1_FUZZ_ROUNDS sets how many of each; RING1_SEED where to start.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "emulator/decode_cache.h"
#include "emulator_core_forms.h"
#include "emulator_core_machine.h"
#include "emulator_core_qemu.h"
#include "oracle.h"

namespace ring1::emulator::test {
namespace {

constexpr unsigned kDefaultRounds = 60;

class Differential : public ::testing::Test {
 protected:
  Differential() {
    machine_.add(Native::kSnippet, 128);
    machine_.add(Native::kData, Native::kDataSize);
  }

  // Runs the case on both; what differs, if anything.
  Difference compare(const Case& the_case, const uint8_t* data) {
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
    ++compared_;
    if (native_.endless()) return Difference::kEndless;
    if (ran != (outcome == Outcome::kDone)) return Difference::kFault;
    if (!ran) {
      ++faults_;
      return Difference::kNone;
    }
    for (unsigned i = 0; i < 8; ++i)
      if (cpu.gpr[i] != native.gpr[i]) return Difference::kRegister;
    if (cpu.rip - start != native.rip) return Difference::kTarget;
    if (memcmp(native_.data(), machine_.at(Native::kData), Native::kDataSize) != 0) return Difference::kMemory;
    constexpr uint32_t kCompared = eflags::kArithmetic | eflags::kDf;
    const uint32_t differ = (cpu.rflags ^ native.flags) & kCompared;
    undefined_ |= differ;
    return differ & ~the_case.undefined ? Difference::kFlags : Difference::kNone;
  }

  static ring1_cpu_state small_segments() {
    ring1_cpu_state cpu = protected32(3);
    for (auto& segment : cpu.seg) segment = {Native::kData, Native::kDataSize - 1, at_dpl(kData16, 3), 0xf, {}};
    cpu.seg[kCs] = {Native::kCode, 0xffff, at_dpl(kCode16, 3), 0x7, {}};
    return cpu;
  }

  void every_form(const char* test, CodeSize code_size) {
    if (!native_.available(code_size)) GTEST_SKIP() << "no user segments of this size here";
    const unsigned long rounds = ring1::test::from_environment("RING1_FUZZ_ROUNDS", kDefaultRounds);
    std::mt19937 random(ring1::test::from_environment("RING1_SEED", 1));
    std::vector<uint8_t> data(Native::kDataSize);
    const bool verbose = getenv("RING1_VERBOSE");
    for (const Form& form : all_forms()) {
      undefined_ = faults_ = 0;
      unsigned unlike = 0;
      for (unsigned long i = 0; i < rounds; ++i) {
        const Case the_case = make_case(form, code_size, random, data.data());
        const Difference difference = compare(the_case, data.data());
        if (difference == Difference::kNone || (ring1::test::oracle_is_qemu() && qemu_differs(form, difference)))
          continue;
        if (++unlike == 1)
          ADD_FAILURE() << describe(the_case) << ": " << name(difference) << std::hex << ", eax "
                        << the_case.state.gpr[0] << " ecx " << the_case.state.gpr[1];
      }
      EXPECT_EQ(unlike, 0u) << form.name << ": instances that differ, of " << rounds;
      EXPECT_LT(faults_, rounds) << form.name << ": no instance ran";
      if (verbose && (undefined_ || faults_))
        printf("%s %02x: undefined flags that differ %x, faults %u\n", form.name, form.opcode[0], undefined_, faults_);
    }
    ring1::test::report_compared(test, compared_);
  }

  Native native_;
  FlatMachine machine_;
  DecodeCache cache_;
  uint64_t compared_ = 0;
  unsigned faults_ = 0;
  uint32_t undefined_ = 0;  // undefined flags that came out differently
};

TEST_F(Differential, EveryForm) { every_form("emulator, 32-bit code", CodeSize::k32); }
TEST_F(Differential, EveryFormIn16BitCode) { every_form("emulator, 16-bit code", CodeSize::k16); }

}  // namespace
}  // namespace ring1::emulator::test
