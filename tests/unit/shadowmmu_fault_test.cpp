// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/shadowmmu_machine.h"

namespace ring1::shadowmmu {
namespace {

constexpr uint64_t kDirectory = 0x1000, kTable = 0x2000, kTable2 = 0x3000, kPointers = 0x4000, kData = 0x100000;
constexpr PagingMode kLegacy{.paging = true, .wp = true};
constexpr PagingMode kPse{.paging = true, .pse = true, .wp = true};
constexpr PagingMode kPae{.paging = true, .pae = true, .nxe = true, .wp = true};

class Legacy : public testing::Test {
 protected:
  Machine machine;
  void SetUp() override {
    machine.ram<uint32_t>(kDirectory + 4 * 1) = kTable | kAll;
    machine.load(kLegacy, kDirectory);
  }
  static constexpr uint64_t kBase = 0x400000;
  uint32_t& pte(unsigned i) { return machine.ram<uint32_t>(kTable + 4 * i); }
  uint32_t& pde(unsigned i) { return machine.ram<uint32_t>(kDirectory + 4 * i); }
};

TEST(Identity, MapsRamAndNothingElse) {
  Machine machine;
  EXPECT_EQ(machine.access(0x5123, Machine::kUserWrite).gpa, 0x5123u);
  EXPECT_EQ(machine.access(0x5123, Machine::kFetch).kind, FaultKind::kHidden);
  EXPECT_EQ(machine.access(0xfee00000, Machine::kRead).kind, FaultKind::kDevice);
  machine.check();
}

TEST_F(Legacy, FillsOnceAndSetsAccessedAndDirty) {
  pte(5) = kData | kAll;
  EXPECT_EQ(machine.access(kBase + 0x5010, Machine::kRead).gpa, kData + 0x10);
  EXPECT_EQ(pte(5), kData | kAll | kA);
  EXPECT_EQ(pde(1), kTable | kAll | kA);
  EXPECT_FALSE(machine.writable(kBase + 0x5000));
  machine.access(kBase + 0x5010, Machine::kRead);
  EXPECT_EQ(machine.faults, 1u);
  EXPECT_EQ(machine.access(kBase + 0x5010, Machine::kWrite).kind, FaultKind::kHidden);
  EXPECT_EQ(pte(5), kData | kAll | kA | kD);
  EXPECT_EQ(machine.faults, 2u);
  machine.check();
}

// Memory may go at any look at it. What was found before is not touched any more, and nothing leads there.
TEST(Withdrawal, AtAnyPointOfAFault) {
  for (const PagingMode& mode : {kLegacy, kPae}) {
    for (unsigned look = 1; look <= 24; look++) {
      Machine machine;
      const uint64_t size = mode.pae ? 8 : 4, base = mode.pae ? 0x200000 : 0x400000;
      machine.ram<uint64_t>(kPointers) = kDirectory | kP;
      machine.ram<uint32_t>(kDirectory + size) = kTable | kAll;
      for (unsigned i = 0; i < 4; i++) machine.ram<uint32_t>(kTable + size * i) = (kData + i * kPageSize) | kAll | kA | kD;
      machine.load(mode, mode.pae ? kPointers : kDirectory);
      machine.access(base, Machine::kRead);
      machine.withdraw_at = look;
      EXPECT_EQ(machine.access(base + 0x1010, Machine::kWrite).gpa, kData + 0x1010) << look;
      machine.store<uint32_t>(kTable + size * 2, (kData + 5 * kPageSize) | kAll);
      EXPECT_EQ(machine.access(base + 0x2010, Machine::kUserWrite).gpa, kData + 5 * kPageSize + 0x10) << look;
      machine.withdraw_at = 0;
      machine.check();
    }
  }
}

TEST_F(Legacy, BothHalvesOfATable) {
  pte(1023) = (kData + 0x1000) | kAll;
  pte(0) = kData | kAll;
  EXPECT_EQ(machine.access(kBase + 0x3ff004, Machine::kWrite).gpa, kData + 0x1004);
  EXPECT_EQ(machine.access(kBase + 4, Machine::kWrite).gpa, kData + 4);
  machine.check();
}

TEST_F(Legacy, ErrorCodes) {
  EXPECT_EQ(machine.access(0x0, Machine::kRead).error, 0u);
  EXPECT_EQ(machine.access(kBase, Machine::kUserWrite).error, kFw | kFu);
  pte(1) = kData | kP;
  EXPECT_EQ(machine.access(kBase + 0x1000, Machine::kUserRead).error, kFp | kFu);
  EXPECT_EQ(machine.access(kBase + 0x1000, Machine::kWrite).error, kFp | kFw);
  pte(2) = kData | kP | kU;
  EXPECT_EQ(machine.access(kBase + 0x2000, Machine::kUserRead).kind, FaultKind::kHidden);
  EXPECT_EQ(machine.access(kBase + 0x2000, Machine::kUserWrite).error, kFp | kFw | kFu);
  EXPECT_EQ(machine.access(kBase, Machine::kFetch).error, 0u);  // no fetch bit without execute-disable
  EXPECT_EQ(pte(1) & kA, 0u);
}

TEST_F(Legacy, DirectoryRightsLimitTheTable) {
  pde(2) = kTable | kP | kU;
  pde(3) = kTable | kP | kW;
  pte(7) = kData | kAll;
  EXPECT_EQ(machine.access(0x807000, Machine::kUserRead).kind, FaultKind::kHidden);
  EXPECT_EQ(machine.access(0x807000, Machine::kUserWrite).error, kFp | kFw | kFu);
  EXPECT_EQ(machine.access(0xc07000, Machine::kWrite).kind, FaultKind::kHidden);
  EXPECT_EQ(machine.access(0xc07000, Machine::kUserRead).error, kFp | kFu);
  EXPECT_EQ(machine.access(kBase + 0x7000, Machine::kUserWrite).kind, FaultKind::kHidden);
  machine.check();
}

TEST_F(Legacy, SupervisorIgnoresReadOnlyWithoutWp) {
  PagingMode mode = kLegacy;
  mode.wp = false;
  machine.load(mode, kDirectory);
  pte(1) = kData | kP | kU;
  EXPECT_EQ(machine.access(kBase + 0x1000, Machine::kUserRead).kind, FaultKind::kHidden);
  EXPECT_EQ(machine.access(kBase + 0x1000, Machine::kWrite).kind, FaultKind::kHidden);
  EXPECT_EQ(machine.access(kBase + 0x1000, Machine::kUserWrite).error, kFp | kFw | kFu);
  EXPECT_EQ(machine.access(kBase + 0x1000, Machine::kUserRead).kind, FaultKind::kHidden);
  EXPECT_FALSE(machine.writable(kBase + 0x1000));
  EXPECT_EQ(machine.access(kBase + 0x1000, Machine::kWrite).kind, FaultKind::kHidden);
  EXPECT_TRUE(pte(1) & kD);
  machine.check();
  machine.load(kLegacy, kDirectory);
  EXPECT_EQ(machine.access(kBase + 0x1000, Machine::kWrite).error, kFp | kFw);
  machine.check();
}

TEST_F(Legacy, LargePageBitMeansNothingWithoutPse) {
  pde(4) = kTable | kAll | kPs;
  pte(3) = kData | kAll;
  EXPECT_EQ(machine.access(0x1003000, Machine::kRead).gpa, kData);
}

TEST_F(Legacy, ReadOnlySlotsAndDevices) {
  machine.read_only.insert(kData >> 12);
  pte(1) = kData | kAll;
  pte(2) = 0xfee00000 | kAll;
  EXPECT_EQ(machine.access(kBase + 0x1000, Machine::kRead).kind, FaultKind::kHidden);
  EXPECT_EQ(machine.access(kBase + 0x1004, Machine::kWrite).kind, FaultKind::kTraced);
  EXPECT_EQ(machine.access(kBase + 0x2020, Machine::kRead).gpa, 0xfee00020u);
  EXPECT_EQ(machine.access(kBase + 0x2020, Machine::kRead).kind, FaultKind::kDevice);
  machine.blocked.insert((kData >> 12) + 1);
  pte(3) = (kData + 0x1000) | kAll;
  EXPECT_EQ(machine.access(kBase + 0x3000, Machine::kRead).kind, FaultKind::kBlocked);
  machine.check();
}

TEST_F(Legacy, TablesOutsideRamAreEmpty) {
  pde(5) = 0xf0000000 | kAll;
  EXPECT_EQ(machine.access(0x1400000, Machine::kRead).error, 0u);
  machine.load(kLegacy, 0xf0000000);
  EXPECT_EQ(machine.access(kBase, Machine::kRead).error, 0u);
  machine.check();
}

TEST_F(Legacy, PrefetchTakesAccessedNeighboursOnly) {
  machine.prefetch = true;
  for (unsigned i = 0; i < 16; ++i) pte(i) = (kData + i * 0x1000) | kAll;
  pte(1) |= kA;
  pte(2) |= kA | kD;
  machine.access(kBase, Machine::kRead);
  EXPECT_TRUE(machine.mapped(kBase + 0x1000));
  EXPECT_FALSE(machine.writable(kBase + 0x1000));
  EXPECT_TRUE(machine.writable(kBase + 0x2000));
  EXPECT_FALSE(machine.mapped(kBase + 0x3000));
  EXPECT_EQ(machine.mmu.stats().mmu_prefetched, 2u);
  machine.check();
}

TEST(Pse, LargePages) {
  Machine machine;
  machine.ram<uint32_t>(kDirectory + 4) = 0 | kAll | kPs;
  machine.load(kPse, kDirectory);
  EXPECT_EQ(machine.access(0x400000 + kData, Machine::kRead).gpa, kData);
  EXPECT_EQ(machine.ram<uint32_t>(kDirectory + 4), kAll | kPs | kA);
  EXPECT_EQ(machine.access(0x400000 + kData + 0x200000, Machine::kWrite).gpa, kData + 0x200000);
  EXPECT_EQ(machine.ram<uint32_t>(kDirectory + 4), kAll | kPs | kA | kD);
  EXPECT_EQ(machine.access(0x400000 + kData, Machine::kUserWrite).kind, FaultKind::kHidden);
  machine.check();
  machine.store<uint32_t>(kDirectory + 4, 0u);
  machine.mmu.invlpg(Gva(0x7ff000));  // any address in the page
  EXPECT_EQ(machine.access(0x400000 + kData, Machine::kRead).error, 0u);
  machine.ram<uint32_t>(kDirectory + 8) = 0 | kAll | kPs | 1u << 21;
  EXPECT_EQ(machine.access(0x800000, Machine::kRead).error, kFp | kFr);
  machine.ram<uint32_t>(kDirectory + 8) = 0 | kAll | kPs | 1u << 13;  // PSE-36: bit 32 of the frame
  EXPECT_EQ(machine.access(0x800000, Machine::kRead).gpa, 0x1'0000'0000u);
}

class Pae : public testing::Test {
 protected:
  Machine machine;
  void SetUp() override {
    machine.ram<uint64_t>(kPointers + 16) = kDirectory | kP;
    machine.ram<uint64_t>(kDirectory + 8) = kTable | kAll;
    machine.load(kPae, kPointers);
  }
  static constexpr uint64_t kBase = 0x80200000;
  uint64_t& pte(unsigned i) { return machine.ram<uint64_t>(kTable + 8 * i); }
};

TEST_F(Pae, Walks) {
  pte(3) = kData | kAll;
  EXPECT_EQ(machine.access(kBase + 0x3004, Machine::kWrite).gpa, kData + 4);
  EXPECT_EQ(pte(3), kData | kAll | kA | kD);
  EXPECT_EQ(machine.access(0x3004, Machine::kWrite).error, kFw);
  const Walk walk = machine.mmu.peek(Gva(kBase + 0x3004));
  EXPECT_EQ(walk.entry_count, 2);
  EXPECT_EQ(walk.entries[1].where, Gpa(kTable + 24));
  machine.check();
}

TEST_F(Pae, NoExecute) {
  pte(3) = kData | kAll | kNx;
  EXPECT_EQ(machine.access(kBase + 0x3000, Machine::kRead).kind, FaultKind::kHidden);
  EXPECT_EQ(machine.access(kBase + 0x3000, Machine::kFetch).error, kFp | kFi);
  EXPECT_EQ(machine.access(kBase + 0x4000, Machine::kFetch).error, kFi);
  PagingMode mode = kPae;
  mode.nxe = false;
  machine.load(mode, kPointers);
  EXPECT_EQ(machine.access(kBase + 0x3000, Machine::kRead).error, kFp | kFr);
  machine.check();
}

TEST_F(Pae, ReservedBits) {
  pte(1) = kData | kAll | uint64_t{1} << 40;
  EXPECT_EQ(machine.access(kBase + 0x1000, Machine::kUserWrite).error, kFp | kFr | kFw | kFu);
  machine.ram<uint64_t>(kDirectory + 16) = kAll | kPs | 0x2000;
  EXPECT_EQ(machine.access(kBase + 0x200000, Machine::kRead).error, kFp | kFr);
  machine.ram<uint64_t>(kDirectory + 16) = kAll | kPs | 0x200000;
  EXPECT_EQ(machine.access(kBase + 0x200000 + 0x5678, Machine::kRead).gpa, 0x205678u);
  machine.check();
}

TEST_F(Pae, PointersAreReadAtTheLoad) {
  pte(1) = kData | kAll;
  machine.ram<uint64_t>(kPointers + 16) = 0;
  EXPECT_EQ(machine.access(kBase + 0x1000, Machine::kRead).kind, FaultKind::kHidden);
  machine.load(kPae, kPointers);
  EXPECT_EQ(machine.access(kBase + 0x1000, Machine::kRead).error, 0u);
  machine.ram<uint64_t>(kPointers + 8) = kDirectory | kP | kW;  // reserved there
  EXPECT_EQ(machine.mmu.check_mode(kPae, kPointers), ShadowMmu::Load::kGeneralProtection);
  EXPECT_EQ(machine.mmu.check_mode(kPse, kPointers), ShadowMmu::Load::kOk);
  EXPECT_EQ(machine.mmu.load_cr3(kPointers), ShadowMmu::Load::kGeneralProtection);
  // Other rights leave them alone.
  PagingMode mode = kPae;
  mode.wp = !mode.wp;
  machine.ram<uint64_t>(kPointers + 16) = kDirectory | kP;
  EXPECT_EQ(machine.mmu.set_mode(mode, kPointers, Pointers::kKeep), ShadowMmu::Load::kOk);
  EXPECT_FALSE(machine.mmu.peek(Gva(kBase + 0x1000)).ok);
  machine.blocked.insert(kPointers >> kPageShift);
  EXPECT_EQ(machine.mmu.check_mode(kPae, kPointers), ShadowMmu::Load::kBlocked);
  machine.check();
}

TEST_F(Pae, DirectoryAsTable) {
  // The directory maps itself: entry 511 of the directory is its own page table.
  machine.ram<uint64_t>(kDirectory + 511 * 8) = kDirectory | kAll;
  pte(3) = kData | kAll;
  const uint64_t window = 0x80000000 + 511 * 0x200000ull;
  EXPECT_EQ(machine.access(window + 511 * 0x1000, Machine::kRead).gpa, kDirectory);
  EXPECT_EQ(machine.access(window + 0x1000, Machine::kRead).gpa, kTable);
  EXPECT_EQ(machine.access(kBase + 0x3000, Machine::kRead).gpa, kData);
  EXPECT_EQ(machine.access(window + 0x1000, Machine::kWrite).kind, FaultKind::kTraced);
  EXPECT_EQ(machine.access(window + 511 * 0x1000, Machine::kUserWrite).kind, FaultKind::kTraced);
  machine.check();
  machine.store<uint64_t>(kDirectory + 8, 0);
  machine.mmu.invlpg(Gva(kBase + 0x3000));
  EXPECT_EQ(machine.access(kBase + 0x3000, Machine::kRead).error, 0u);
  machine.check();
}

}  // namespace
}  // namespace ring1::shadowmmu
