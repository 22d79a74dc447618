// SPDX-License-Identifier: GPL-2.0-only
// Short deliveries and returns against the general ones (emulator/system): where they say that they have done it, registers
// and memory are the same; where they do not, nothing has changed. Guest memory is an array, reached as through its mapping.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <random>

#include "emulator_system_fixture.h"
#include "monitor/bt/gates.h"
#include "shadowmmu_machine.h"

namespace ring1::monitor {

namespace {

std::vector<uint8_t>* reached;  // the guest's memory

bool reachable(uint32_t linear, uint64_t words) { return uint64_t{linear} + 4 * words <= reached->size(); }

struct Reader final : GuestReader {
  bool read_system(Gva, void*, unsigned, Gpa*) override { return false; }
  void trace_descriptors(Gpa, bool) override {}
};

}  // namespace

extern "C" bool ring1_guest_load(void* to, uint32_t linear, uint64_t words) {
  if (!reachable(linear, words)) return false;
  std::memcpy(to, reached->data() + linear, 4 * words);
  return true;
}

extern "C" bool ring1_guest_store(uint32_t linear, const void* from, uint64_t words) {
  if (!reachable(linear, words)) return false;
  std::memcpy(reached->data() + linear, from, 4 * words);
  return true;
}

// The shadows have nothing to add here.
bool GuestView::load_filled(uint64_t, void*, unsigned) { return false; }
bool GuestView::store_filled(uint64_t, const void*, unsigned) { return false; }

namespace {

using emulator::Event, emulator::Outcome;

class GatesTest : public emulator::SystemTest {
 protected:
  GatesTest() {
    reached = &machine.memory;
    page.shadow_gdt = reinterpret_cast<uint64_t>(gdt.data());
    page.shadow_ldt = reinterpret_cast<uint64_t>(ldt.data());
    segments.emplace(page, cpu, reader);
    installed.generation = shadows.mmu.generation();
    view.emplace(shadows.mmu, installed);
    gates.emplace(cpu, *view, *segments);
    cpu.cr0 |= cr0::kPe;
  }

  // A segment register as a kernel or a process has it, or something odd.
  void any_segment(SegmentRegister which, unsigned cpl) {
    cpu.seg[which] = {};
    cpu.seg[which].limit = 0xffffffff;
    cpu.seg[which].access = (which == kCs ? 0xc09bu : 0xc093u) | cpl << RING1_AR_DPL_SHIFT;
    cpu.seg[which].selector = static_cast<uint16_t>((which == kCs ? (cpl ? 0x18 : 0x08) : (cpl ? 0x20 : 0x10)) | cpl);
    if (one_of(40)) cpu.seg[which].base = 0x100;
    if (one_of(40)) cpu.seg[which].limit = 0xffff;
    // IRET, SYSENTER and SYSEXIT come from 32-bit code.
    if (which != kCs && one_of(40)) cpu.seg[which].access &= ~uint32_t{RING1_AR_DB};
  }
  void any_state() {
    const unsigned cpl = one_of(2) ? 3 : 0;
    for (unsigned n = 0; n < 8; n++) cpu.gpr[n] = static_cast<uint32_t>(random());
    cpu.gpr[kRsp] = 0x20000 + random() % 0x1000 * 4;
    cpu.rip = 0x8000 + random() % 0x100;
    cpu.rflags = eflags::kFixed1 | (random() & (eflags::kArithmetic | eflags::kIf | eflags::kDf));
    for (const uint32_t odd : {eflags::kTf, eflags::kNt, eflags::kRf, eflags::kAc, eflags::kIopl})
      if (one_of(12)) cpu.rflags |= odd;
    for (const SegmentRegister which : {kCs, kSs}) any_segment(which, cpl);
    for (const SegmentRegister which : {kDs, kEs, kFs, kGs}) any_segment(which, one_of(6) ? 0 : 3);
    cpu.nmi_blocked = one_of(2);
    cpu.shadow = 0;
    cpu.shutdown = 0;
    cpu.cr2 = random();
  }
  void any_gate(unsigned vector) {
    static constexpr uint8_t kTypes[] = {0x8e, 0xee, 0x8f, 0xef, 0x86, 0x87, 0x85, 0x0e, 0x8c};
    static constexpr uint16_t kSelectors[] = {emulator::kCode0, emulator::kCode0, emulator::kCode0 | 3, emulator::kCode16,
                                              emulator::kConforming, emulator::kAbsentCode, emulator::kData0, 0};
    const uint8_t type = one_of(3) ? kTypes[random() % sizeof kTypes] : kTypes[random() % 4];
    gate(vector, kSelectors[random() % (one_of(3) ? 8 : 3)], static_cast<uint32_t>(random()), type);
  }
  bool one_of(unsigned n) { return random() % n == 0; }

  // Both ways from one state. True: the short way had an answer.
  template <class Short, class General>
  bool both(Short shortly, General generally) {
    const ring1_cpu_state before = cpu;
    const std::vector<uint8_t> memory = touched();
    const bool done = shortly();
    const ring1_cpu_state after = cpu;
    const std::vector<uint8_t> stored = touched();
    cpu = before;
    std::copy(memory.begin(), memory.end(), machine.memory.begin());
    if (!done) {
      EXPECT_EQ(std::memcmp(&before, &after, sizeof before), 0) << "it gave up, and changed something";
      EXPECT_EQ(stored, memory);
      return false;
    }
    EXPECT_TRUE(generally());
    EXPECT_EQ(std::memcmp(&after, &cpu, sizeof cpu), 0) << shown(after) << shown(cpu);
    EXPECT_EQ(stored, touched());
    return true;
  }

  // Tables, code and stacks all lie in here.
  std::vector<uint8_t> touched() const { return {machine.memory.begin(), machine.memory.begin() + 0x28000}; }

  static std::string shown(const ring1_cpu_state& s) {
    char line[400];
    std::snprintf(line, sizeof line, "\ncs %x %x ss %x %x eip %llx esp %llx flags %llx cr2 %llx nmi %u", s.seg[kCs].selector,
                  s.seg[kCs].access, s.seg[kSs].selector, s.seg[kSs].access, s.rip, s.gpr[kRsp], s.rflags, s.cr2,
                  s.nmi_blocked);
    return line;
  }

  std::mt19937 random{1};
  ring1_switch page{};
  std::vector<uint64_t> gdt = std::vector<uint64_t>(8192 + 8), ldt = std::vector<uint64_t>(8192);
  Reader reader;
  shadowmmu::Machine shadows{16};
  GuestView::Installed installed;
  std::optional<Segments> segments;
  std::optional<GuestView> view;
  std::optional<Gates> gates;
};

TEST_F(GatesTest, EventsAsTheGeneralWay) {
  unsigned done = 0;
  for (unsigned n = 0; n < 4000 && !HasFailure(); n++) {
    any_state();
    Event event{.vector = static_cast<uint8_t>(random() % 32)};
    switch (random() % 3) {
      case 0:
        event.is_exception = true;
        event.has_error = pushes_error_code(static_cast<Vector>(event.vector));
        event.error_code = event.has_error ? static_cast<uint32_t>(random() & 0xffff) : 0;
        event.cr2 = random();
        break;
      case 1: event.is_software = true; break;
      default: break;
    }
    any_gate(event.vector);
    done += both([&] { return gates->deliver(event); },
                 [&] { return emulator::deliver(cpu, machine, event) == Outcome::kDone; });
  }
  EXPECT_GT(done, 500u);
}

TEST_F(GatesTest, ReturnsAsTheGeneralWay) {
  constexpr uint8_t kIret = 0xcf;
  unsigned done = 0, to_user = 0;
  for (unsigned n = 0; n < 4000 && !HasFailure(); n++) {
    any_state();
    machine.memory[cpu.seg[kCs].base + cpu.rip] = kIret;
    const bool user = one_of(2);
    put32(static_cast<uint32_t>(cpu.gpr[kRsp]), static_cast<uint32_t>(random()));
    put32(static_cast<uint32_t>(cpu.gpr[kRsp] + 4), user ? emulator::kCode3 : one_of(8) ? 0x3b : emulator::kCode0);
    uint32_t flags = eflags::kFixed1 | static_cast<uint32_t>(random() & 0xed5);
    if (one_of(8)) flags |= static_cast<uint32_t>(random() & 0x3fffff);
    put32(static_cast<uint32_t>(cpu.gpr[kRsp] + 8), flags);
    put32(static_cast<uint32_t>(cpu.gpr[kRsp] + 12), static_cast<uint32_t>(random()));
    put32(static_cast<uint32_t>(cpu.gpr[kRsp] + 16), one_of(8) ? emulator::kData0 : emulator::kData3);
    if (both([&] { return gates->interrupt_return(); },
             [&] {
               emulator::Fault fault;
               return emulator::step(cpu, machine, &fault) == Outcome::kDone;
             })) {
      done++;
      to_user += user;
    }
  }
  EXPECT_GT(done, 300u);
  EXPECT_GT(to_user, 50u);
}

TEST_F(GatesTest, SysenterAndSysexitAsTheGeneralWay) {
  unsigned done = 0;
  for (unsigned n = 0; n < 1000 && !HasFailure(); n++) {
    any_state();
    cpu.sysenter_cs = one_of(8) ? random() & 3 : random() & 0xffff;
    cpu.sysenter_esp = random();
    cpu.sysenter_eip = random();
    const bool exit = one_of(2);
    machine.memory[cpu.seg[kCs].base + cpu.rip] = 0x0f;
    machine.memory[cpu.seg[kCs].base + cpu.rip + 1] = exit ? 0x35 : 0x34;
    done += both([&] { return exit ? gates->sysexit() : gates->sysenter(); },
                 [&] {
                   emulator::Fault fault;
                   return emulator::step(cpu, machine, &fault) == Outcome::kDone;
                 });
  }
  EXPECT_GT(done, 200u);
}

// What was known of a descriptor is looked at again when somebody has written to the tables.
TEST_F(GatesTest, AChangedDescriptor) {
  any_state();
  cpu.rflags = eflags::kFixed1;
  for (const SegmentRegister which : {kCs, kSs}) any_segment(which, 0);
  cpu.seg[kSs].base = 0, cpu.seg[kSs].limit = 0xffffffff, cpu.seg[kSs].access = 0xc093;
  gate(3, emulator::kCode0, 0x9000, 0x8e);
  ASSERT_TRUE(gates->deliver({.vector = 3}));
  descriptor(emulator::kCode0, 0, 0xfffff, 0xc01b);  // not present
  segments->refresh(true);
  EXPECT_FALSE(gates->deliver({.vector = 3}));
}

}  // namespace
}  // namespace ring1::monitor
