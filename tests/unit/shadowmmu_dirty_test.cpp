// SPDX-License-Identifier: GPL-2.0-only
// Pages whose writes are logged: the first write to each comes to the MMU, by whatever mapping, and through the
// Accessed and Dirty bits that the MMU sets itself.
#include <random>

#include "tests/unit/shadowmmu_machine.h"

namespace ring1::shadowmmu {
namespace {

constexpr uint64_t kDirectory = 0x1000, kTable = 0x2000, kData = 0x100000, kBase = 0x400000, kPages = 16;
constexpr PagingMode kLegacy{.paging = true, .wp = true};

class Dirty : public testing::Test {
 protected:
  Machine machine;
  void SetUp() override {
    machine.ram<uint32_t>(kDirectory + 4) = kTable | kAll;
    // Each page is mapped twice.
    for (unsigned i = 0; i < 2 * kPages; ++i)
      machine.ram<uint32_t>(kTable + 4 * i) = (kData + i % kPages * 0x1000) | kAll;
    machine.load(kLegacy, kDirectory);
  }
  void log(uint64_t from, uint64_t pages) {
    for (uint64_t frame = from >> 12; frame < (from >> 12) + pages; ++frame) machine.clean.insert(frame);
    machine.mmu.log_dirty(Gpa(from), pages);
  }
  std::set<uint64_t> take() { return std::exchange(machine.written, {}); }
};

TEST_F(Dirty, TheFirstWriteOfEachPageIsSeen) {
  for (unsigned i = 0; i < 2 * kPages; ++i) machine.access(kBase + i * 0x1000, Machine::kWrite);
  log(kData, kPages);
  for (unsigned i = 0; i < 2 * kPages; ++i) EXPECT_FALSE(machine.writable(kBase + i * 0x1000));
  EXPECT_EQ(machine.access(kBase, Machine::kRead).kind, FaultKind::kHidden);
  EXPECT_TRUE(take().empty());
  EXPECT_EQ(machine.access(kBase + 0x3000, Machine::kWrite).kind, FaultKind::kHidden);
  EXPECT_EQ(machine.access(kBase + (kPages + 5) * 0x1000, Machine::kWrite).kind, FaultKind::kHidden);
  EXPECT_EQ(take(), (std::set<uint64_t>{(kData >> 12) + 3, (kData >> 12) + 5}));
  EXPECT_EQ(machine.access(kBase + (kPages + 3) * 0x1000, Machine::kWrite).kind, FaultKind::kHidden);
  EXPECT_TRUE(take().empty());
  log(kData, kPages);
  machine.access(kBase + 0x3000, Machine::kWrite);
  EXPECT_EQ(take(), std::set<uint64_t>{(kData >> 12) + 3});
  machine.check();
}

TEST_F(Dirty, AccessedAndDirtyBitsAreWrites) {
  log(kDirectory, 2);
  machine.access(kBase, Machine::kRead);
  EXPECT_EQ(take(), (std::set<uint64_t>{kDirectory >> 12, kTable >> 12}));
  log(kDirectory, 2);
  machine.access(kBase, Machine::kWrite);
  EXPECT_EQ(take(), std::set<uint64_t>{kTable >> 12});
  log(kDirectory, 2);
  EXPECT_TRUE(machine.mmu.translate(Gva(kBase), Machine::kWrite).ok);
  EXPECT_TRUE(take().empty());
  machine.check();
}

TEST_F(Dirty, ATraceComesFirst) {
  machine.access(kBase, Machine::kWrite);
  log(kData, kPages);
  machine.mmu.trace_write(Gpa(kData), kTraceCode);
  EXPECT_EQ(machine.access(kBase, Machine::kWrite).kind, FaultKind::kTraced);
  EXPECT_TRUE(take().empty()) << "the one who emulates the write asks";
  machine.mmu.untrace(Gpa(kData), kTraceCode);
  EXPECT_EQ(machine.access(kBase, Machine::kWrite).kind, FaultKind::kHidden);
  EXPECT_EQ(take(), std::set<uint64_t>{kData >> 12});
}

TEST_F(Dirty, EntriesMadeAheadAreReadOnly) {
  machine.prefetch = true;
  for (unsigned i = 0; i < kPages; ++i) machine.ram<uint32_t>(kTable + 4 * i) |= kA | kD;
  log(kData, kPages);
  machine.access(kBase, Machine::kWrite);
  EXPECT_TRUE(machine.mapped(kBase + 0x1000));
  EXPECT_FALSE(machine.writable(kBase + 0x1000));
  EXPECT_TRUE(machine.writable(kBase));
  EXPECT_EQ(take(), std::set<uint64_t>{kData >> 12});
}

// Against a record of what was written.
TEST_F(Dirty, NothingIsMissed) {
  std::mt19937 rng(7);
  std::set<uint64_t> expected;
  machine.prefetch = true;
  log(0, 1024);
  for (unsigned step = 0; step < 20000; ++step) {
    const uint64_t page = rng() % (2 * kPages);
    switch (rng() % 8) {
      case 0:
        log(0, 1024);
        EXPECT_EQ(take(), expected);
        expected.clear();
        break;
      case 1:
        machine.ram<uint32_t>(kTable + 4 * page) &= ~(rng() % 2 ? kA : kD);
        machine.mmu.guest_wrote(Gpa(kTable + 4 * page), 4);
        machine.mmu.invlpg(Gva(kBase + page * 0x1000));
        break;
      default: {
        const bool write = rng() % 2;
        const uint32_t before = machine.ram<uint32_t>(kTable + 4 * page), above = machine.ram<uint32_t>(kDirectory + 4);
        machine.access(kBase + page * 0x1000, write ? Machine::kWrite : Machine::kRead);
        if (write) expected.insert((kData >> 12) + page % kPages);
        if (before != machine.ram<uint32_t>(kTable + 4 * page)) expected.insert(kTable >> 12);
        if (above != machine.ram<uint32_t>(kDirectory + 4)) expected.insert(kDirectory >> 12);
      }
    }
  }
  machine.check();
}

}  // namespace
}  // namespace ring1::shadowmmu
