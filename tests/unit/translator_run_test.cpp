// SPDX-License-Identifier: GPL-2.0-only
// Translated code on the real processor against the guest's own code on the real processor.
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "oracle.h"
#include "translator_monitor.h"
#include "translator_program.h"
#include "translator_text.h"
#include "x86/registers.h"

namespace ring1::translator::test {
namespace {

constexpr uint32_t kStackTop = Arena::kStack + Arena::kStackBytes - 64;
constexpr uint32_t kReservedFlag = 2;
constexpr uint8_t kHlt = 0xf4, kCli = 0xfa, kSti = 0xfb, kPushf = 0x9c, kPopf = 0x9d;

// RING1_FUZZ=n runs n times as many programs.
uint32_t rounds(uint32_t normally) {
  return normally * static_cast<uint32_t>(ring1::test::from_environment("RING1_FUZZ", 1));
}

// What a guest can see of itself: registers, its stack and data, and IF.
struct Snapshot {
  Registers registers;
  uint64_t memory = 0;
  bool interrupt_flag = true;
};

uint64_t digest(const uint8_t* bytes, size_t count, uint64_t seed) {
  for (size_t n = 0; n < count; ++n) seed = (seed ^ bytes[n]) * 0x100000001b3u;
  return seed;
}

Snapshot snapshot(const Registers& registers, bool interrupt_flag) {
  const uint32_t esp = registers.gpr[kRsp];
  uint64_t memory = digest(at<>(Arena::kData), 300, 1);
  if (esp >= Arena::kStack && esp <= kStackTop) memory = digest(at<>(esp), kStackTop - esp, memory);
  Snapshot taken{registers, memory, interrupt_flag};
  taken.registers.eflags &= kVisibleFlags;
  return taken;
}

bool same(const Snapshot& a, const Snapshot& b) {
  return std::memcmp(&a.registers, &b.registers, sizeof a.registers) == 0 && a.memory == b.memory &&
         a.interrupt_flag == b.interrupt_flag;
}

std::string text(const Snapshot& s) {
  char line[240];
  const uint32_t* g = s.registers.gpr;
  std::snprintf(line, sizeof line,
                "eip %08x eax %08x ecx %08x edx %08x ebx %08x esp %08x ebp %08x esi %08x edi %08x "
                "flags %03x memory %016llx if %d\n",
                s.registers.eip, g[0], g[1], g[2], g[3], g[4], g[5], g[6], g[7], s.registers.eflags,
                static_cast<unsigned long long>(s.memory), s.interrupt_flag);
  return line;
}

Trap start(const Program& program, uint32_t seed, uint16_t cs, bool single_step) {
  std::mt19937 random(seed);
  Trap trap{};
  trap.cs = cs;
  trap.single_step = single_step;
  std::memcpy(at<>(Arena::kGuest), program.bytes.data(), program.bytes.size());
  for (unsigned n = 0; n < 256; ++n) at<uint32_t>(Arena::kData)[n] = static_cast<uint32_t>(random());
  std::memset(at<>(Arena::kStack), 0, Arena::kStackBytes);
  for (uint32_t& value : trap.registers.gpr) value = static_cast<uint32_t>(random());
  trap.registers.gpr[kRsp] = kStackTop;
  trap.registers.eip = program.entry;
  trap.registers.eflags = kReservedFlag | (random() & (kVisibleFlags & ~eflags::kDf));
  return trap;
}

uint32_t linear(const Registers& registers, uint16_t cs) {
  return registers.eip + (cs == Cpu::kCode16 ? Arena::kGuest : 0);
}

Snapshot run_native(const Program& program, uint32_t seed, uint16_t cs) {
  const Trap entry = start(program, seed, cs, false);
  bool halted = false;
  const Registers end = Cpu::run(entry, [&](Trap& trap) {
    halted = *at<>(linear(trap.registers, cs)) == kHlt;
    return false;
  });
  EXPECT_TRUE(halted) << "native run stopped at " << std::hex << end.eip;
  return snapshot(end, true);
}

// Natively step by step; IF and what shows it are the test's own.
std::vector<Snapshot> trace_native(const Program& program, uint32_t seed) {
  Trap entry = start(program, seed, Cpu::kFlatCode, true);
  std::vector<Snapshot> trace;
  bool interrupt_flag = true;
  uint32_t last = program.entry;
  Cpu::run(entry, [&](Trap& trap) {
    Registers& r = trap.registers;
    if (trap.vector != 1) return false;
    if (trace.empty()) trace.push_back(snapshot(entry.registers, true));
    if (*at<>(last) == kPushf) {
      uint32_t* image = at<uint32_t>(r.gpr[kRsp]);
      *image = (*image & ~(eflags::kTf | eflags::kIf)) | (interrupt_flag ? eflags::kIf : 0);
    }
    for (;;) {
      trace.push_back(snapshot(r, interrupt_flag));
      const uint8_t opcode = *at<>(r.eip);
      if (opcode == kCli || opcode == kSti) {
        interrupt_flag = opcode == kSti;
        r.eip += 1;
      } else if (opcode == kPopf) {
        const uint32_t flags = *at<uint32_t>(r.gpr[kRsp]);
        r.eflags = (r.eflags & ~kVisibleFlags) | (flags & kVisibleFlags);
        interrupt_flag = (flags & eflags::kIf) != 0;
        r.gpr[kRsp] += 4;
        r.eip += 1;
      } else {
        break;
      }
    }
    last = r.eip;
    return *at<>(r.eip) != kHlt && trace.size() < 4000;
  });
  return trace;
}

TEST(TranslatorRun, SameResultAsNative) {
  if (!Cpu::available()) GTEST_SKIP() << "SKIP: no LDT segments here";
  unsigned exits = 0, misses = 0;
  for (uint32_t seed = 1; seed <= rounds(1500); ++seed) {
    const Program program = random_program(seed, {});
    const Snapshot expected = run_native(program, seed, Cpu::kFlatCode);
    Trap entry = start(program, seed, Cpu::kFlatCode, false);
    Monitor monitor(Mode{}, 1 + seed % 20);
    entry.registers.eip = monitor.enter(program.entry);
    const Registers end = Cpu::run(entry, [&](Trap& trap) { return monitor.serve(trap); });
    const Snapshot actual = snapshot(end, monitor.shared().interrupt_flag);
    ASSERT_TRUE(same(expected, actual)) << "seed " << seed << "\n" << text(expected) << text(actual);
    exits += monitor.exits;
    misses += monitor.misses;
  }
  ring1::test::report_compared("translator, 32-bit code", rounds(1500), "programs");
  EXPECT_GT(exits, 1000u);
  EXPECT_GT(misses, 100u);
}

TEST(TranslatorRun, Code16SameResultAsNative) {
  if (!Cpu::available(false)) GTEST_SKIP() << "SKIP: no LDT segments here";
  Mode mode;
  mode.code32 = false;
  mode.cs_base = Arena::kGuest;
  for (uint32_t seed = 1; seed <= rounds(500); ++seed) {
    const Program program = random_program16(seed);
    const Snapshot expected = run_native(program, seed, Cpu::kCode16);
    Trap entry = start(program, seed, Cpu::kFlatCode, false);
    Monitor monitor(mode, 1 + seed % 20);
    entry.registers.eip = monitor.enter(program.entry);
    const Registers end = Cpu::run(entry, [&](Trap& trap) { return monitor.serve(trap); });
    const Snapshot actual = snapshot(end, monitor.shared().interrupt_flag);
    ASSERT_TRUE(same(expected, actual)) << "seed " << seed << "\n" << text(expected) << text(actual);
  }
  ring1::test::report_compared("translator, 16-bit code", rounds(500), "programs");
}

// At each translated instruction the map gives a state the native run had, in order.
TEST(TranslatorRun, RecoversAtEveryInstruction) {
  if (!Cpu::available()) GTEST_SKIP() << "SKIP: no LDT segments here";
  unsigned steps = 0;
  for (uint32_t seed = 1; seed <= rounds(80); ++seed) {
    const Program program = random_program(seed, {.interrupt_flag = true, .functions = 3, .items = 10});
    const std::vector<Snapshot> trace = trace_native(program, seed);
    if (trace.size() >= 4000 || trace.empty()) continue;
    Trap entry = start(program, seed, Cpu::kFlatCode, true);
    Monitor monitor(Mode{}, 1 + seed % 20);
    monitor.shared().pending = seed & 1;
    entry.registers.eip = monitor.enter(program.entry);
    size_t now = 0;
    std::string trouble;
    uint32_t last = entry.registers.eip;
    auto agrees = [&](const Registers& real) {
      ++steps;
      const Snapshot here = snapshot(monitor.recover(real), monitor.shared().interrupt_flag);
      if (!same(here, trace[now]) && now + 1 < trace.size() && same(here, trace[now + 1])) ++now;
      if (same(here, trace[now])) return true;
      char eip[60];
      std::snprintf(eip, sizeof eip, "real eip %08x after %08x\n", real.eip, last);
      trouble = eip + text(trace[now]) + (now + 1 < trace.size() ? text(trace[now + 1]) : "") + "got\n" + text(here) +
                monitor.where(real.eip);
      return false;
    };
    Cpu::run(entry, [&](Trap& trap) {
      if (*at<>(last) == kPushf && trap.vector == 1) *at<uint32_t>(trap.registers.gpr[kRsp]) &= ~eflags::kTf;
      if (!agrees(trap.registers)) return false;
      if (trap.vector != 1 && (!monitor.serve(trap) || !agrees(trap.registers))) return false;
      // The guest's own POPF is executed as it is: it must not end the single steps.
      if (*at<>(trap.registers.eip) == kPopf) *at<uint32_t>(trap.registers.gpr[kRsp]) |= eflags::kTf;
      last = trap.registers.eip;
      return true;
    });
    ASSERT_TRUE(trouble.empty()) << "seed " << seed << ", state " << now << " of " << trace.size() << "\n" << trouble;
    ASSERT_EQ(now + 1, trace.size()) << "seed " << seed;
  }
  ring1::test::report_compared("translator, recovery", steps);
  EXPECT_GT(steps, 1000u);
}

}  // namespace
}  // namespace ring1::translator::test
