// SPDX-License-Identifier: GPL-2.0-only
// Which host page backs a guest page: asked for once, forgotten when it goes, asked for again before a logged write.
#include <gtest/gtest.h>

#include "monitor/board/guest_memory.h"
#include "monitor_world.h"

namespace ring1::monitor {
namespace {

using paging::Backing;
using paging::GuestPointer;

class GuestMemoryTest : public ::testing::Test {
 protected:
  Backing page(uint64_t gfn) { return memory.page(Gpa(gfn << kPageShift), &hpa, &va); }
  Backing page_for_write(uint64_t gfn) { return memory.page_for_write(Gpa(gfn << kPageShift), &hpa, &va); }
  Backing known(uint64_t gfn) { return memory.known(Gpa(gfn << kPageShift), &hpa, &va); }
  unsigned asked() const { return world.requests(RING1_REQUEST_PIN); }

  FakeWorld world;
  GuestMemory memory{world.host, world.pool};
  Hpa hpa;
  GuestPointer va;
};

TEST_F(GuestMemoryTest, AsksOnce) {
  EXPECT_EQ(page(5), Backing::kRam);
  EXPECT_EQ(hpa.raw(), (uint64_t{1} << 40) + 5 * kPageSize);
  EXPECT_EQ(page(5), Backing::kRam);
  EXPECT_EQ(asked(), 1u);
}

TEST_F(GuestMemoryTest, LeadsToTheGuestsBytes) {
  world.write<uint32_t>(5 * kPageSize + 12, 0x12345678);
  ASSERT_EQ(page(5), Backing::kRam);
  EXPECT_EQ(*reinterpret_cast<uint32_t*>(va.in(memory) + 12), 0x12345678u);
}

TEST_F(GuestMemoryTest, DevicesAreAskedForEachTime) {
  EXPECT_EQ(page(0xfee00), Backing::kDevice);
  EXPECT_EQ(page(0xfee00), Backing::kDevice);
  EXPECT_EQ(asked(), 2u);
}

TEST_F(GuestMemoryTest, NothingLiesBeyondFourGiB) {
  EXPECT_EQ(page(0x100000), Backing::kDevice);
  EXPECT_EQ(page(uint64_t{1} << 40), Backing::kDevice);
  EXPECT_EQ(page((uint64_t{1} << 52) - 1), Backing::kDevice);
  EXPECT_EQ(asked(), 0u);
}

TEST_F(GuestMemoryTest, KnownAsksNobody) {
  EXPECT_EQ(known(5), Backing::kBlocked);
  EXPECT_EQ(known(uint64_t{1} << 40), Backing::kBlocked);
  EXPECT_EQ(asked(), 0u);
  (void)page(5);
  EXPECT_EQ(known(5), Backing::kRam);
}

TEST_F(GuestMemoryTest, RomIsNotWritable) {
  world.backing[7] = RING1_BACKING_READONLY;
  EXPECT_EQ(page(7), Backing::kReadOnly);
  EXPECT_EQ(page_for_write(7), Backing::kReadOnly);
}

TEST_F(GuestMemoryTest, TroubleOfTheHostBlocks) {
  world.backing[7] = RING1_BACKING_ERROR;
  EXPECT_EQ(page(7), Backing::kBlocked);
  world.backing.clear();
  EXPECT_EQ(page(7), Backing::kRam);
}

TEST_F(GuestMemoryTest, AsksAgainWhenToldTo) {
  world.backing[7] = RING1_BACKING_RETRY;
  EXPECT_EQ(page(7), Backing::kRam);
  EXPECT_EQ(asked(), 2u);
}

// The answer is of no use if the very page goes with it.
TEST_F(GuestMemoryTest, AsksAgainIfThePageWentWithTheAnswer) {
  world.withdraw = {{7, 1}};
  // The first visits are for memory of its own: the pin's is the one that counts.
  (void)page(1);
  world.withdraw = {{7, 1}};
  const unsigned before = asked();
  EXPECT_EQ(page(7), Backing::kRam);
  EXPECT_EQ(asked(), before + 2);
}

TEST_F(GuestMemoryTest, AWithdrawalOfAnotherPageDoesNotMatter) {
  (void)page(1);
  world.withdraw = {{8000, 1}};
  const unsigned before = asked();
  EXPECT_EQ(page(7), Backing::kRam);
  EXPECT_EQ(asked(), before + 1);
}

TEST_F(GuestMemoryTest, ForgetsOnePage) {
  (void)page(5), (void)page(6);
  memory.forget(5, 1);
  EXPECT_EQ(known(5), Backing::kBlocked);
  EXPECT_EQ(known(6), Backing::kRam);
}

TEST_F(GuestMemoryTest, ForgetsWholeLeavesAndTheirEnds) {
  for (const uint64_t gfn : {0x1ffu, 0x200u, 0x3ffu, 0x400u, 0x5ffu, 0x600u}) (void)page(gfn);
  memory.forget(0x200, 0x400);
  EXPECT_EQ(known(0x1ff), Backing::kRam);
  for (const uint64_t gfn : {0x200u, 0x3ffu, 0x400u, 0x5ffu}) EXPECT_EQ(known(gfn), Backing::kBlocked) << gfn;
  EXPECT_EQ(known(0x600), Backing::kRam);
}

TEST_F(GuestMemoryTest, ForgettingEverythingEnds) {
  (void)page(5);
  memory.forget(0, ~uint64_t{0} >> kPageShift);
  EXPECT_EQ(known(5), Backing::kBlocked);
}

TEST_F(GuestMemoryTest, APointerDiesWhenMemoryGoes) {
  ASSERT_EQ(page(5), Backing::kRam);
  EXPECT_TRUE(va.is_good(memory));
  const uint64_t generation = memory.generation();
  memory.forget(9, 1);
  EXPECT_FALSE(va.is_good(memory));
  EXPECT_NE(memory.generation(), generation);
}

TEST_F(GuestMemoryTest, AStalePointerIsNotUsed) {
  ASSERT_EQ(page(5), Backing::kRam);
  memory.forget(5, 1);
  EXPECT_DEATH((void)va.in(memory), "assertion failed");
}

TEST_F(GuestMemoryTest, LoggedPagesAreAskedForBeforeAWrite) {
  ASSERT_EQ(page(5), Backing::kRam);
  memory.log_dirty(5, 1);
  world.backing[5] = RING1_BACKING_CLEAN;
  const unsigned before = asked();
  EXPECT_EQ(page(5), Backing::kClean);
  EXPECT_EQ(asked(), before);
  EXPECT_EQ(page_for_write(5), Backing::kRam);
  EXPECT_EQ(asked(), before + 1);
  EXPECT_EQ(page_for_write(5), Backing::kRam);
  EXPECT_EQ(asked(), before + 1);
}

TEST_F(GuestMemoryTest, TheLogLeavesRomAlone) {
  world.backing[7] = RING1_BACKING_READONLY;
  (void)page(7);
  memory.log_dirty(0, 16);
  EXPECT_EQ(page(7), Backing::kReadOnly);
}

TEST_F(GuestMemoryTest, TheLogMakesPointersOld) {
  ASSERT_EQ(page(5), Backing::kRam);
  memory.log_dirty(100, 1);
  EXPECT_FALSE(va.is_good(memory));
}

TEST_F(GuestMemoryTest, WithoutMemoryOfItsOwnItBlocks) {
  world.pages_left = 0;
  EXPECT_EQ(page(5), Backing::kBlocked);
  world.pages_left = 100;
  EXPECT_EQ(page(5), Backing::kRam);
}

}  // namespace
}  // namespace ring1::monitor
