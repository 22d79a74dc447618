// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/shadowmmu_machine.h"

namespace ring1::shadowmmu {
namespace {

constexpr uint64_t kDirectory = 0x1000, kTable = 0x2000, kDirectory2 = 0x3000, kData = 0x100000;
constexpr PagingMode kLegacy{.paging = true, .wp = true};
constexpr uint64_t kHole = 0xe0200000;  // the upper half of a guest page table's 4 MiB
constexpr HoleTable kTables[] = {{Hpa(0x7000), false, false}, {Hpa(0x8000), true, false}, {Hpa(0x9000), true, true}};

class HoleTest : public testing::Test {
 protected:
  Machine machine;
  void SetUp() override {
    machine.load(kLegacy, kDirectory);
    ASSERT_TRUE(machine.mmu.set_hole(Gva(kHole), kTables, 3));
  }
  uint32_t& pde(unsigned i) { return machine.ram<uint32_t>(kDirectory + 4 * i); }
  uint64_t shadow(uint64_t gva) {
    return machine.own(machine.mmu.page_directories()[gva >> 30].raw())[gva >> 21 & 511];
  }
};

TEST_F(HoleTest, IsInEveryDirectory) {
  EXPECT_EQ(shadow(kHole), 0x7000 | kP);
  EXPECT_EQ(shadow(kHole + 0x200000), 0x8000 | kP | kW);
  EXPECT_EQ(shadow(kHole + 0x400000), 0x9000 | kAll);
  machine.load(kLegacy, kDirectory2);
  EXPECT_EQ(shadow(kHole), 0x7000 | kP);
  machine.load(PagingMode{}, 0);
  EXPECT_EQ(shadow(kHole), 0x7000 | kP);
  machine.check();
}

TEST_F(HoleTest, Faults) {
  EXPECT_EQ(machine.mmu.fault(Gva(kHole + 0x1000), kFw | kFp).kind, FaultKind::kGuest);
  machine.store<uint32_t>(kDirectory + 4 * (kHole >> 22), kTable | kAll);
  machine.ram<uint32_t>(kTable + 4 * 513) = kData | kAll;
  const FaultResult result = machine.mmu.fault(Gva(kHole + 0x1004), kFp | kFw);
  EXPECT_EQ(result.kind, FaultKind::kHole);
  EXPECT_EQ(result.gpa, Gpa(kData + 4));
  machine.check();
}

TEST_F(HoleTest, CollisionsAreNoticed) {
  EXPECT_FALSE(machine.mmu.hole_collides());
  machine.store<uint32_t>(kDirectory + 4 * (kHole >> 22), kTable | kAll);
  EXPECT_FALSE(machine.mmu.hole_collides());
  EXPECT_TRUE(machine.mmu.reasons(Gpa(kTable)) & kTraceHole);
  machine.store<uint32_t>(kTable + 4 * 5, kData | kAll);  // beside the hole
  EXPECT_FALSE(machine.mmu.hole_collides());
  machine.store<uint32_t>(kTable + 4 * 600, kData | kAll);
  EXPECT_TRUE(machine.mmu.hole_collides());
  machine.check();
  machine.load(kLegacy, kDirectory2);
  EXPECT_FALSE(machine.mmu.hole_collides());
  machine.load(kLegacy, kDirectory);
  EXPECT_TRUE(machine.mmu.hole_collides());
  machine.store<uint32_t>(kDirectory + 4 * (kHole >> 22), 0u);
  EXPECT_FALSE(machine.mmu.hole_collides());
  machine.check();
}

TEST_F(HoleTest, Moves) {
  pde(0x100) = kTable | kAll;
  machine.ram<uint32_t>(kTable) = kData | kAll;
  EXPECT_EQ(machine.access(0x40000000, Machine::kRead).gpa, kData);
  ASSERT_TRUE(machine.mmu.set_hole(Gva(0x3fe00000), kTables, 2));
  EXPECT_EQ(shadow(kHole), 0u);
  EXPECT_EQ(shadow(0x3fe00000), 0x7000 | kP);
  EXPECT_EQ(shadow(0x40000000), 0x8000 | kP | kW);
  EXPECT_TRUE(machine.mmu.hole_collides());
  machine.check();
  ASSERT_TRUE(machine.mmu.set_hole(Gva(0), kTables, 0));
  EXPECT_EQ(machine.access(0x40000000, Machine::kRead).gpa, kData);
  EXPECT_FALSE(machine.mmu.hole_collides());
  EXPECT_FALSE(machine.mmu.set_hole(Gva(0x1000), kTables, 1));
  EXPECT_FALSE(machine.mmu.set_hole(Gva(0xffe00000), kTables, 2));
  EXPECT_FALSE(machine.mmu.set_hole(Gva(~uint64_t{0x1fffff}), kTables, 2));
  machine.check();
}

TEST_F(HoleTest, FindsAPlace) {
  Gva base;
  ASSERT_TRUE(machine.mmu.find_hole(0x1000000, Gva(0), Gva(0xfe000000), Cover::kFree, &base));
  EXPECT_EQ(base, Gva(0xfd000000));
  pde(0xfd000000 >> 22) = kTable | kAll;
  machine.ram<uint32_t>(kTable + 4 * 3) = kData | kAll;
  ASSERT_TRUE(machine.mmu.find_hole(0x1000000, Gva(0), Gva(0xfe000000), Cover::kFree, &base));
  EXPECT_EQ(base, Gva(0xfc000000));
  EXPECT_FALSE(machine.mmu.find_hole(0x1000000, Gva(0xfc800000), Gva(0xfe000000), Cover::kFree, &base));
}

// Everything mapped by large pages: RAM is in use, what is mapped to nothing is not, but the APICs are.
TEST_F(HoleTest, HidesBehindAMapOfEverything) {
  constexpr PagingMode kLarge{.paging = true, .pse = true, .wp = true};
  for (uint32_t i = 0; i < 1024; ++i) pde(i) = i << 22 | kAll | kPs;
  machine.load(kLarge, kDirectory);
  Gva base;
  EXPECT_FALSE(machine.mmu.find_hole(0x400000, Gva(0), Gva(0xfe000000), Cover::kFree, &base));
  ASSERT_TRUE(machine.mmu.find_hole(0x400000, Gva(0), Gva(0xfe000000), Cover::kNoRam, &base));
  EXPECT_EQ(base, Gva(0xfdc00000));
  ASSERT_TRUE(machine.mmu.find_hole(0x200000, Gva(0xfe800000), Gva(0x100000000), Cover::kNoRam, &base));
  EXPECT_EQ(base, Gva(0xffe00000));
  EXPECT_FALSE(machine.mmu.find_hole(0x400000, Gva(0xfea00000), Gva(0xff000000), Cover::kNoRam, &base));
  EXPECT_FALSE(machine.mmu.find_hole(0x200000, Gva(0), Gva(0x400000), Cover::kNoRam, &base));
  for (uint32_t i = 8; i < 1024; ++i) pde(i) = kAll | kPs;
  EXPECT_FALSE(machine.mmu.find_hole(0x200000, Gva(0x2000000), Gva(0x100000000), Cover::kNoRam, &base));
  EXPECT_EQ(machine.mmu.hole_cover(), Cover::kUsed);
  pde(kHole >> 22) = pde((kHole >> 22) + 1) = 0xd0000000 | kAll | kPs;
  EXPECT_EQ(machine.mmu.hole_cover(), Cover::kNoRam);
  // A small page is mapped for a reason.
  pde(kHole >> 22) = kTable | kAll;
  machine.ram<uint32_t>(kTable + 4 * 700) = 0xd0000000 | kAll;
  EXPECT_EQ(machine.mmu.hole_cover(), Cover::kUsed);
}

TEST_F(HoleTest, IsAcceptedUntilSomethingChanges) {
  machine.store<uint32_t>(kDirectory + 4 * (kHole >> 22), kTable | kAll);
  machine.store<uint32_t>(kTable + 4 * 600, kData | kAll);
  ASSERT_TRUE(machine.mmu.hole_collides());
  machine.mmu.accept_hole();
  EXPECT_FALSE(machine.mmu.hole_collides());
  machine.load(kLegacy, kDirectory2);
  machine.load(kLegacy, kDirectory);
  EXPECT_FALSE(machine.mmu.hole_collides());
  machine.store<uint32_t>(kDirectory + 4 * (kHole >> 22), kTable | kP | kW);
  EXPECT_TRUE(machine.mmu.hole_collides());
}

}  // namespace
}  // namespace ring1::shadowmmu
