// SPDX-License-Identifier: GPL-2.0-only
// Shadow descriptor tables: the guest's own indices, ring 0 raised to 1, kept right under writes; and the segment
// registers that go into the processor and come back.
#include <gtest/gtest.h>

#include <cstring>
#include <optional>
#include <set>
#include <vector>

#include "monitor/bt/descriptor.h"
#include "monitor/bt/segments.h"

namespace ring1::monitor {
namespace {

constexpr uint64_t kCode0 = 0x00cf9b000000ffff, kData0 = 0x00cf93000000ffff, kCode3 = 0x00cffb000000ffff,
                   kData3 = 0x00cff3000000ffff;
constexpr uint64_t kDpl1 = uint64_t{1} << 45, kFresh = kData3 & ~descriptor::kAccessed,
                   kNarrow = kData3 & ~descriptor::kBig;
constexpr uint64_t kTss = 0x00008b0000000067;
constexpr uint32_t kGdt = 0x1000, kLdt = 0x3000;

// 64 KiB, every page where it seems to be unless it is moved or taken away.
struct Memory final : GuestReader {
  bool read_system(Gva from, void* to, unsigned size, Gpa* page) override {
    reads++;
    for (unsigned i = 0; i < size; i++) {
      const uint64_t at = from.raw() + i, frame = at >> 12;
      if (at >= sizeof bytes || missing.count(frame)) return false;
      if (i == 0) *page = Gpa((moved_to ? moved_to : frame) << 12);
      static_cast<uint8_t*>(to)[i] = bytes[at];
    }
    return true;
  }
  void trace_descriptors(Gpa page, bool on) override {
    on ? (void)traced.insert(page.raw()) : (void)traced.erase(page.raw());
  }

  uint8_t bytes[0x10000] = {};
  std::set<uint64_t> missing, traced;
  uint64_t moved_to = 0;
  unsigned reads = 0;
};

class SegmentsTest : public ::testing::Test {
 protected:
  SegmentsTest() {
    page.shadow_gdt = reinterpret_cast<uint64_t>(gdt.data());
    page.shadow_ldt = reinterpret_cast<uint64_t>(ldt.data());
    segments.emplace(page, cpu, memory);
    const uint64_t entries[] = {0, kCode0, kData0, kCode3, kData3, kTss, kFresh, kNarrow};
    for (unsigned i = 0; i < 8; i++) descriptor(kGdt, i, entries[i]);
    cpu.gdtr = {.base = kGdt, .limit = 8 * 8 - 1};
    cpu.ldtr.access = RING1_AR_UNUSABLE;
    for (auto& segment : cpu.seg) segment.access = RING1_AR_UNUSABLE;
  }

  void descriptor(uint32_t table, unsigned index, uint64_t value) {
    std::memcpy(memory.bytes + table + 8 * index, &value, 8);
  }
  void stored(uint32_t table, unsigned index, uint64_t value) {
    descriptor(table, index, value);
    segments->written(Gpa(table + 8 * index), 8);
  }
  void hold(SegmentRegister which, uint16_t selector, uint64_t value) {
    descriptor::unpack(value, selector, &cpu.seg[which]);
  }
  void local_table(unsigned entries) {
    cpu.ldtr = {.base = kLdt, .limit = 8 * entries - 1, .access = 0x82, .selector = 0x40};
  }
  // Flat code and data of ring 0, as a kernel has them.
  void kernel() {
    hold(kCs, 0x08, kCode0);
    for (const SegmentRegister each : {kSs, kDs, kEs}) hold(each, 0x10, kData0);
  }

  std::vector<uint64_t> gdt = std::vector<uint64_t>(RING1_GDT_BYTES / 8), ldt = gdt;
  ring1_switch page{};
  ring1_cpu_state cpu{};
  Memory memory;
  std::optional<Segments> segments;
  TrapBlock block{};
};

TEST_F(SegmentsTest, RingZeroBecomesOne) {
  segments->refresh(true);
  EXPECT_EQ(gdt[1], kCode0 | kDpl1);
  EXPECT_EQ(gdt[2], kData0 | kDpl1);
  EXPECT_EQ(gdt[3], kCode3);
  EXPECT_EQ(gdt[4], kData3);
}

TEST_F(SegmentsTest, SystemDescriptorsHaveNoShadow) {
  segments->refresh(true);
  EXPECT_EQ(gdt[5], 0u);
}

TEST_F(SegmentsTest, WhatWasNeverAccessedIsNotPresent) {
  segments->refresh(true);
  EXPECT_EQ(gdt[6], kFresh & ~descriptor::kPresent);
}

TEST_F(SegmentsTest, NoSixtyFourBitCode) {
  descriptor(kGdt, 1, 0x00af9b000000ffff);
  segments->refresh(true);
  EXPECT_EQ(gdt[1] & descriptor::kLong, 0u);
}

TEST_F(SegmentsTest, TheMonitorsOwnEntriesStay) {
  cpu.gdtr.limit = 0xffff;
  std::vector<uint64_t> before(gdt.begin() + (RING1_SEL_CODE64 >> 3), gdt.end());
  segments->refresh(true);
  EXPECT_TRUE(std::equal(before.begin(), before.end(), gdt.begin() + (RING1_SEL_CODE64 >> 3)));
}

TEST_F(SegmentsTest, PagesOfTheTableAreTraced) {
  cpu.gdtr = {.base = 0x1ff8, .limit = 0x17};
  segments->refresh(true);
  EXPECT_EQ(memory.traced, (std::set<uint64_t>{0x1000, 0x2000}));
}

TEST_F(SegmentsTest, AnotherTableDropsTheTracesOfTheFirst) {
  segments->refresh(true);
  cpu.gdtr = {.base = 0x5000, .limit = 0x17};
  segments->refresh(false);
  EXPECT_EQ(memory.traced, (std::set<uint64_t>{0x5000}));
  EXPECT_EQ(gdt[3], 0u);
}

TEST_F(SegmentsTest, BothTablesOnOnePage) {
  cpu.ldtr = {.base = kGdt + 0x800, .limit = 15, .access = 0x82, .selector = 0x40};
  segments->refresh(true);
  cpu.gdtr = {.base = 0x5000, .limit = 0x17};
  segments->refresh(false);
  EXPECT_EQ(memory.traced, (std::set<uint64_t>{0x1000, 0x5000}));
}

TEST_F(SegmentsTest, AWriteChangesOneShadow) {
  segments->refresh(true);
  stored(kGdt, 4, kData0);
  EXPECT_EQ(gdt[4], kData0 | kDpl1);
  EXPECT_EQ(gdt[3], kCode3);
}

TEST_F(SegmentsTest, AWriteBesideTheTableIsNotRead) {
  segments->refresh(true);
  const unsigned before = memory.reads;
  segments->written(Gpa(kGdt + 8 * 8), 8);
  segments->written(Gpa(0x7000), 8);
  EXPECT_EQ(memory.reads, before);
}

TEST_F(SegmentsTest, AWriteAcrossTwoEntries) {
  segments->refresh(true);
  descriptor(kGdt, 3, kData3), descriptor(kGdt, 4, kCode3);
  segments->written(Gpa(kGdt + 8 * 3 + 4), 8);
  EXPECT_EQ(gdt[3], kData3);
  EXPECT_EQ(gdt[4], kCode3);
}

TEST_F(SegmentsTest, ATableThatIsNotMappedIsEmpty) {
  memory.missing = {1};
  segments->refresh(true);
  EXPECT_EQ(gdt[1], 0u);
  EXPECT_TRUE(memory.traced.empty());
}

TEST_F(SegmentsTest, TheSameAddressOnAnotherPageIsAnotherTable) {
  segments->refresh(true);
  descriptor(kGdt, 4, kCode3);
  segments->refresh(false);  // the same page: nothing was told, so nothing is read
  EXPECT_EQ(gdt[4], kData3);
  memory.moved_to = 9;
  segments->refresh(false);
  EXPECT_EQ(gdt[4], kCode3);
}

TEST_F(SegmentsTest, TheLdtHasASelector) {
  segments->refresh(true);
  EXPECT_EQ(page.ldt_selector, 0u);
  local_table(2);
  descriptor(kLdt, 1, kData3);
  segments->refresh(false);
  EXPECT_EQ(page.ldt_selector, uint64_t{RING1_SEL_LDT});
  EXPECT_EQ(ldt[1], kData3);
}

TEST_F(SegmentsTest, AKernelRunsUnderItsOwnSelectors) {
  kernel();
  segments->refresh(true);
  EXPECT_TRUE(segments->load(block, 1));
  EXPECT_EQ(block.ds, 0x10);
  EXPECT_EQ(block.ss, 0x11u);  // the processor wants RPL and CPL alike
  EXPECT_EQ(block.cs, uint64_t{RING1_SEL_GUEST_CODE});
  EXPECT_EQ(block.gs, RING1_SEL_GUEST_SHARED);
  EXPECT_EQ(block.fs, 0);
}

TEST_F(SegmentsTest, AUserRunsUnderItsOwnSelectors) {
  hold(kCs, 0x1b, kCode3), hold(kSs, 0x23, kData3), hold(kDs, 0x23, kData3), hold(kGs, 0x23, kData3);
  segments->refresh(true);
  EXPECT_TRUE(segments->load(block, 3));
  EXPECT_EQ(block.cs, 0x1bu);
  EXPECT_EQ(block.ss, 0x23u);
  EXPECT_EQ(block.gs, 0x23);
}

// SDM 3A 3.4.3: the hidden part stays as it was loaded, whatever becomes of the table.
TEST_F(SegmentsTest, ADescriptorThatHasChangedSinceIsACopy) {
  kernel();
  segments->refresh(true);
  stored(kGdt, 2, 0);
  EXPECT_FALSE(segments->load(block, 1));
  const uint16_t copy = RING1_SEL_GUEST_SEGMENT + 8 * kDs;
  EXPECT_EQ(block.ds & ~3, copy);
  EXPECT_EQ(gdt[copy >> 3], kData0 | kDpl1);
}

TEST_F(SegmentsTest, ACopyIsNotTakenForALoad) {
  kernel();
  segments->refresh(true);
  stored(kGdt, 2, 0);
  (void)segments->load(block, 1);
  const ring1_segment before = cpu.seg[kDs];
  segments->sync(block, 1);
  EXPECT_EQ(std::memcmp(&before, &cpu.seg[kDs], sizeof before), 0);
}

TEST_F(SegmentsTest, WhatTheGuestLoadsItselfIsFollowed) {
  kernel();
  segments->refresh(true);
  (void)segments->load(block, 1);
  block.es = 0x23;
  segments->sync(block, 1);
  EXPECT_EQ(cpu.seg[kEs].selector, 0x23);
  EXPECT_EQ(cpu.seg[kEs].access & RING1_AR_DPL_MASK, 3u << RING1_AR_DPL_SHIFT);
  EXPECT_EQ(cpu.seg[kEs].limit, 0xffffffffu);
}

TEST_F(SegmentsTest, NullThatTheGuestLoadsIsFollowed) {
  kernel();
  segments->refresh(true);
  (void)segments->load(block, 1);
  block.ds = 3;
  segments->sync(block, 1);
  EXPECT_EQ(cpu.seg[kDs].selector, 3);
  EXPECT_TRUE(cpu.seg[kDs].access & RING1_AR_UNUSABLE);
}

// The same selector again, of another descriptor: the load counts.
TEST_F(SegmentsTest, ALoadOfAChangedDescriptorCounts) {
  kernel();
  segments->refresh(true);
  (void)segments->load(block, 1);
  stored(kGdt, 2, kData3);
  segments->sync(block, 1);
  EXPECT_EQ(cpu.seg[kDs].access & RING1_AR_DPL_MASK, 3u << RING1_AR_DPL_SHIFT);
}

TEST_F(SegmentsTest, SegmentsThatRing1DoesNotHaveStayTheGuests) {
  kernel();
  hold(kGs, 0x23, kData3);
  segments->refresh(true);
  (void)segments->load(block, 1);
  block.gs = 0, block.ss = 0, block.cs = 0;
  segments->sync(block, 1);
  EXPECT_EQ(cpu.seg[kGs].selector, 0x23);
  EXPECT_EQ(cpu.seg[kSs].selector, 0x10);
  EXPECT_EQ(cpu.seg[kCs].selector, 0x08);
}

TEST_F(SegmentsTest, WideAndNarrowStacks) {
  hold(kSs, 0x23, kData3);
  segments->refresh(true);
  (void)segments->load(block, 3);
  EXPECT_TRUE(segments->is_wide_stack(0x23));
  EXPECT_FALSE(segments->is_wide_stack(0x3b));
  EXPECT_FALSE(segments->is_wide_stack(0x7b));  // beyond the table
}

TEST_F(SegmentsTest, TheSharedSegment) {
  segments->set_shared_segment(0xfd123000, 0x41000);
  const uint64_t entry = gdt[RING1_SEL_GUEST_SHARED >> 3];
  ring1_segment segment;
  descriptor::unpack(entry, RING1_SEL_GUEST_SHARED, &segment);
  EXPECT_EQ(segment.base, 0xfd123000u);
  EXPECT_EQ(segment.limit, 0x40fffu);
  EXPECT_EQ((segment.access & RING1_AR_DPL_MASK) >> RING1_AR_DPL_SHIFT, 1u);
}

TEST(Descriptor, ThereAndBack) {
  for (const uint64_t value : {kCode0, kData3, kNarrow, uint64_t{0x8040f312345600ff}}) {
    ring1_segment segment;
    descriptor::unpack(value, 0x10, &segment);
    EXPECT_EQ(descriptor::pack(segment), value) << std::hex << value;
  }
}

}  // namespace
}  // namespace ring1::monitor
