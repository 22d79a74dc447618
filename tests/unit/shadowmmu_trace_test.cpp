// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/shadowmmu_machine.h"

namespace ring1::shadowmmu {
namespace {

constexpr uint64_t kDirectory = 0x1000, kTable = 0x2000, kDirectory2 = 0x3000, kData = 0x100000, kBase = 0x400000;
constexpr PagingMode kLegacy{.paging = true, .wp = true};
constexpr uint64_t kReady = kAll | kA | kD;

class Trace : public testing::Test {
 protected:
  Machine machine;
  void SetUp() override {
    machine.prefetch = false;
    machine.ram<uint32_t>(kDirectory + 4) = kTable | kAll;
    for (unsigned i = 0; i < 16; ++i) machine.ram<uint32_t>(kTable + 4 * i) = (kData + i * 0x1000) | kAll;
    machine.ram<uint32_t>(kTable + 4 * 100) = kTable | kAll;
    machine.load(kLegacy, kDirectory);
  }
};

TEST_F(Trace, WritesAreStopped) {
  EXPECT_EQ(machine.access(kBase, Machine::kWrite).kind, FaultKind::kHidden);
  EXPECT_TRUE(machine.mmu.trace_write(Gpa(kData), kTraceCode));
  EXPECT_FALSE(machine.writable(kBase));
  EXPECT_EQ(machine.access(kBase + 8, Machine::kWrite).kind, FaultKind::kTraced);
  EXPECT_EQ(machine.access(kBase + 8, Machine::kRead).kind, FaultKind::kHidden);
  machine.store<uint32_t>(kData + 8, 1);
  EXPECT_EQ(machine.code_writes, std::vector<uint64_t>{kData + 8});
  machine.mmu.untrace(Gpa(kData), kTraceCode);
  EXPECT_EQ(machine.access(kBase + 8, Machine::kWrite).kind, FaultKind::kHidden);
  machine.check();
}

TEST_F(Trace, StaleTranslationsGoBeforeATrace) {
  machine.access(kBase, Machine::kWrite);
  machine.store<uint32_t>(kTable, 0);  // and no INVLPG
  machine.mmu.trace_write(Gpa(kData), kTraceCode);
  EXPECT_NE(machine.access(kBase, Machine::kWrite).kind, FaultKind::kHidden);
  machine.check();
}

TEST_F(Trace, TableWritesChangeTheShadow) {
  machine.access(kBase, Machine::kWrite);
  EXPECT_EQ(machine.access(kBase + 100 * 0x1000, Machine::kWrite).kind, FaultKind::kTraced);
  machine.store<uint32_t>(kTable, (kData + 0x5000) | kReady);
  machine.mmu.invlpg(Gva(kBase));
  EXPECT_EQ(machine.access(kBase, Machine::kWrite).gpa, kData + 0x5000);
  machine.store<uint32_t>(kTable, 0);
  machine.mmu.invlpg(Gva(kBase));
  EXPECT_EQ(machine.access(kBase, Machine::kWrite).kind, FaultKind::kGuest);
  EXPECT_EQ(machine.mmu.stats().mmu_table_writes, 2u);
  machine.check();
}

TEST_F(Trace, AWrittenEntryIsMadeAtOnce) {
  machine.access(kBase, Machine::kRead);
  machine.prefetch = true;
  const unsigned faults = machine.faults;
  machine.store<uint32_t>(kTable + 4 * 20, (kData + 0x20000) | kReady);
  EXPECT_EQ(machine.access(kBase + 20 * 0x1000, Machine::kUserWrite).kind, FaultKind::kHidden);
  EXPECT_EQ(machine.faults, faults);
  machine.check();
}

TEST_F(Trace, ClearedAccessedAndDirtyAreSetAgain) {
  machine.access(kBase, Machine::kWrite);
  machine.store<uint8_t>(kTable, kAll | kA);
  machine.mmu.invlpg(Gva(kBase));
  machine.access(kBase, Machine::kWrite);
  EXPECT_TRUE(machine.ram<uint32_t>(kTable) & kD);
  machine.store<uint8_t>(kTable, kAll);
  machine.mmu.invlpg(Gva(kBase));
  machine.access(kBase, Machine::kRead);
  EXPECT_EQ(machine.ram<uint32_t>(kTable), kData | kAll | kA);
  machine.store<uint32_t>(kDirectory + 4, kTable | kAll);
  machine.mmu.invlpg(Gva(kBase));
  machine.access(kBase, Machine::kRead);
  EXPECT_EQ(machine.ram<uint32_t>(kDirectory + 4), kTable | kAll | kA);
  machine.check();
}

TEST_F(Trace, ShadowsOutliveALoadOfCr3) {
  machine.ram<uint32_t>(kDirectory2 + 4) = kTable | kAll;
  machine.access(kBase, Machine::kWrite);
  const uint64_t pages = machine.mmu.stats().mmu_shadow_pages;
  const uint32_t generation = machine.mmu.generation();
  machine.load(kLegacy, kDirectory2);
  EXPECT_NE(machine.mmu.generation(), generation);
  machine.access(kBase, Machine::kWrite);
  machine.load(kLegacy, kDirectory);
  const unsigned faults = machine.faults;
  EXPECT_EQ(machine.access(kBase, Machine::kWrite).gpa, kData);
  EXPECT_EQ(machine.faults, faults);
  EXPECT_EQ(machine.mmu.stats().mmu_shadow_pages, pages + 4);  // the table is shared
  machine.check();
}

TEST_F(Trace, UserWritesEndAPageTable) {
  machine.access(kBase, Machine::kRead);
  EXPECT_TRUE(machine.mmu.reasons(Gpa(kTable)) & kTracePageTable);
  // Through another table, so that the walk does not need the page.
  machine.ram<uint32_t>(kDirectory + 8) = 0x5000 | kAll;
  machine.ram<uint32_t>(0x5000) = kTable | kAll;
  EXPECT_EQ(machine.access(0x800000, Machine::kUserWrite).kind, FaultKind::kHidden);
  EXPECT_EQ(machine.mmu.reasons(Gpa(kTable)), 0);
  // Used again, it is traced again.
  EXPECT_EQ(machine.access(kBase, Machine::kRead).gpa, kData);
  EXPECT_FALSE(machine.writable(0x800000));
  machine.check();
}

TEST_F(Trace, FloodsEndAPageTable) {
  machine.access(kBase, Machine::kRead);
  for (unsigned i = 200; i < 300; ++i) machine.store<uint32_t>(kTable + 4 * i, 0x12345678);
  EXPECT_EQ(machine.mmu.reasons(Gpa(kTable)), 0);
  EXPECT_FALSE(machine.mapped(kBase));
  machine.check();
  machine.access(kBase, Machine::kRead);
  for (unsigned i = 0; i < 100; ++i) {
    machine.store<uint32_t>(kTable + 4 * (i % 2 * 10 + 300), 0);
    machine.access(kBase + 0x1000 * (i % 16), Machine::kRead);
  }
  EXPECT_TRUE(machine.mmu.reasons(Gpa(kTable)));
  machine.store<uint16_t>(kTable + 3, 7);
  EXPECT_FALSE(machine.mmu.reasons(Gpa(kTable)));
  machine.check();
}

TEST_F(Trace, Unprotect) {
  machine.access(kBase, Machine::kRead);
  EXPECT_TRUE(machine.mmu.unprotect(Gpa(kTable)));
  EXPECT_FALSE(machine.mmu.unprotect(Gpa(kDirectory)));
  EXPECT_TRUE(machine.mmu.unprotect(Gpa(0x777000)));
  machine.check();
}

TEST_F(Trace, Dependencies) {
  machine.access(kBase, Machine::kRead);
  const Walk walk = machine.mmu.peek(Gva(kBase));
  for (unsigned i = 0; i < walk.entry_count; ++i) EXPECT_TRUE(machine.mmu.depend(walk.entries[i].where));
  machine.store<uint32_t>(kTable, 0);
  EXPECT_TRUE(machine.mapping_changes.count(kTable));
  EXPECT_EQ(machine.mapping_changes.size(), 1u);
  // A page that is no longer watched takes everything with it.
  EXPECT_TRUE(machine.mmu.unprotect(Gpa(kTable)));
  EXPECT_TRUE(machine.mapping_changes.count(kTable + 0xffc));
  machine.check();
}

TEST_F(Trace, ForgottenPages) {
  machine.access(kBase, Machine::kWrite);
  machine.access(kBase + 0x1000, Machine::kWrite);
  machine.mmu.forget(Gpa(kData), 1);
  EXPECT_FALSE(machine.mapped(kBase));
  EXPECT_TRUE(machine.mapped(kBase + 0x1000));
  machine.mmu.forget(Gpa(kTable), 1);
  EXPECT_FALSE(machine.mapped(kBase + 0x1000));
  machine.check();
  // All memory moves, the active directory with it.
  machine.access(kBase, Machine::kWrite);
  machine.mmu.forget(Gpa(0), uint64_t{1} << 40);
  machine.moved = 0x4000'0000;
  machine.check();
  EXPECT_EQ(machine.access(kBase, Machine::kWrite).gpa, kData);
  EXPECT_TRUE(machine.mmu.reasons(Gpa(kDirectory)) & kTracePageTable);
  machine.check();
}

TEST_F(Trace, RemovedDirectory) {
  machine.access(kBase, Machine::kWrite);
  machine.mmu.forget(Gpa(kDirectory), 1);
  machine.removed.insert(kDirectory >> 12);
  EXPECT_EQ(machine.access(kBase, Machine::kWrite).error, kFw);
  machine.check();
}

TEST(Bounds, FewPagesAndLittleMemory) {
  Limits limits;
  limits.max_shadow_pages = 16;
  Machine machine(1024, limits);
  for (unsigned i = 0; i < 64; ++i) {
    machine.ram<uint32_t>(kDirectory + 4 * i) = (0x80000 + i * 0x1000) | kAll;
    machine.ram<uint32_t>(0x80000 + i * 0x1000) = (kData + i * 0x1000) | kAll;
  }
  machine.load(kLegacy, kDirectory);
  for (unsigned round = 0; round < 3; ++round) {
    for (unsigned i = 0; i < 64; ++i)
      EXPECT_EQ(machine.access(i * 0x400000ull, Machine::kWrite).gpa, kData + i * 0x1000);
    machine.check();
    machine.page_limit = 40;
  }
  EXPECT_LE(machine.mmu.stats().mmu_shadow_pages, 16u);
  EXPECT_GT(machine.mmu.stats().mmu_zapped_pages, 100u);
}

TEST(Bounds, NoMemoryAtAll) {
  for (unsigned limit = 8; limit < 60; limit += 3) {
    Machine machine(1024);
    machine.page_limit = limit;
    machine.ram<uint32_t>(kDirectory + 4) = kTable | kAll;
    machine.ram<uint32_t>(kTable) = kData | kAll;
    if (machine.mmu.set_mode(kLegacy, kDirectory) != ShadowMmu::Load::kOk) continue;
    const FaultKind kind = machine.access(kBase, Machine::kWrite).kind;
    EXPECT_TRUE(kind == FaultKind::kHidden || kind == FaultKind::kBlocked);
    machine.check();
  }
}

}  // namespace
}  // namespace ring1::shadowmmu
