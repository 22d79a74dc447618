// SPDX-License-Identifier: GPL-2.0-only
// What binary translation hides from the guest: the memory of translated code in the hole, and the way into user code
// on a 16-bit stack.
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "monitor/bt/narrow_stack.h"
#include "monitor/bt/tc_memory.h"
#include "monitor_world.h"
#include "paging/entry.h"

namespace ring1::monitor {
namespace {

namespace entry = paging::entry;

class TcMemoryTest : public ::testing::Test {
 protected:
  static constexpr uint32_t kBytes = 4u << 20;

  // The entry of a page of the hole.
  uint64_t entry_of(uint32_t offset) {
    const auto* table = reinterpret_cast<uint64_t*>(memory.tables()[offset / TcMemory::kLargePage].raw());
    return table[offset / kPageSize % 512];
  }
  static constexpr uint32_t kCode = TcMemory::code_base(0);

  FakeWorld world;
  TcMemory memory{world.pool};
};

TEST_F(TcMemoryTest, ATableForEach2MiB) {
  ASSERT_TRUE(memory.init(kBytes));
  EXPECT_EQ(memory.hole_bytes(), kBytes + TcMemory::kLargePage);
  EXPECT_EQ(memory.table_count(), 3u);
}

TEST_F(TcMemoryTest, TheSharedPageIsWrittenByTranslatedCode) {
  ASSERT_TRUE(memory.init(kBytes));
  EXPECT_EQ(entry_of(0) & (entry::kPresent | entry::kWrite | entry::kUser), entry::kPresent | entry::kWrite);
  EXPECT_TRUE(entry_of(0) & entry::kNoExecute);
  EXPECT_EQ(entry_of(0) & entry::kFrame, world.pool.hpa_of(&memory.shared()).raw());
}

TEST_F(TcMemoryTest, CodeIsExecutedAndNotWritten) {
  ASSERT_TRUE(memory.init(kBytes));
  void* writable = nullptr;
  ASSERT_TRUE(memory.code_page(3, &writable));
  const uint64_t found = entry_of(kCode + 3 * kPageSize);
  EXPECT_EQ(found & entry::kFrame, world.pool.hpa_of(writable).raw());
  EXPECT_EQ(found & (entry::kPresent | entry::kWrite | entry::kUser | entry::kNoExecute), entry::kPresent);
}

TEST_F(TcMemoryTest, TheReturnTableIsOnlyRead) {
  ASSERT_TRUE(memory.init(kBytes));
  void* writable = nullptr;
  ASSERT_TRUE(memory.return_table_page(1, &writable));
  const uint64_t found = entry_of(translator::kReturnTableOffset + kPageSize);
  EXPECT_EQ(found & entry::kFrame, world.pool.hpa_of(writable).raw());
  EXPECT_FALSE(found & (entry::kWrite | entry::kUser));
  EXPECT_TRUE(found & entry::kNoExecute);
}

TEST_F(TcMemoryTest, WhatWasNotAskedForIsNotThere) {
  ASSERT_TRUE(memory.init(kBytes));
  for (const uint32_t offset : {0x1000u, 0x100000u, kCode, kCode + kBytes - 0x1000})
    EXPECT_EQ(entry_of(offset), 0u) << offset;
}

TEST_F(TcMemoryTest, AccessedIsSampled) {
  ASSERT_TRUE(memory.init(kBytes));
  void* writable = nullptr;
  ASSERT_TRUE(memory.code_page(0, &writable));
  (void)memory.test_and_clear_accessed(0);
  EXPECT_FALSE(memory.test_and_clear_accessed(0));
  reinterpret_cast<uint64_t*>(memory.tables()[1].raw())[0] |= entry::kAccessed;
  EXPECT_TRUE(memory.test_and_clear_accessed(0));
  EXPECT_FALSE(memory.test_and_clear_accessed(0));
}

TEST_F(TcMemoryTest, NoMemory) {
  world.pages_left = 2;
  EXPECT_FALSE(memory.init(kBytes));
}

class NarrowStackTest : public ::testing::Test {
 protected:
  NarrowStackTest() {
    page.low_table = reinterpret_cast<uint64_t>(low_table.data());
    page.stack = reinterpret_cast<uint64_t>(header);
  }
  // The page that a walk from the low table finds, or null.
  uint8_t* walk(uint64_t address) {
    uint64_t at = low_table[address >> 30];
    for (const unsigned shift : {21u, 12u}) {
      if (!(at & entry::kPresent)) return nullptr;
      at = reinterpret_cast<uint64_t*>(at & entry::kFrame)[address >> shift & 511];
    }
    return at & entry::kPresent ? reinterpret_cast<uint8_t*>(at & entry::kFrame) : nullptr;
  }

  std::vector<uint64_t> low_table = std::vector<uint64_t>(512);
  uint64_t header[3] = {0x1111, 0x2222, 0x3333};
  ring1_switch page{};
  FakeWorld world;
  NarrowStack stack{world.pool};
  TrapBlock block{};
};

TEST_F(NarrowStackTest, TheFrameLiesUnderTheGuestsUpperHalf) {
  ASSERT_TRUE(stack.init(page));
  for (const uint32_t esp : {0u, 0x12345678u, 0xffffffffu}) {
    block.rsp = esp;
    const uint64_t rsp = stack.frame_of(block);
    EXPECT_EQ(rsp >> 16 & 0xffff, esp >> 16) << esp;
    EXPECT_GE(rsp, uint64_t{2} << 32);
    EXPECT_NE(walk(rsp), nullptr) << esp;
  }
}

TEST_F(NarrowStackTest, IretqFindsTheBlocksFrame) {
  ASSERT_TRUE(stack.init(page));
  block.rip = 1, block.cs = 2, block.rflags = 3, block.rsp = 0xabcd0004, block.ss = 5;
  const uint64_t rsp = stack.frame_of(block);
  uint64_t frame[5];
  std::memcpy(frame, walk(rsp) + rsp % kPageSize, sizeof frame);
  EXPECT_EQ(frame[0], 1u);
  EXPECT_EQ(frame[1], 2u);
  EXPECT_EQ(frame[2], 3u);
  EXPECT_EQ(frame[3], 0xabcd0004u);
  EXPECT_EQ(frame[4], 5u);
}

// Who looks for the base of the monitor's stack by rounding RSP down finds it here as well.
TEST_F(NarrowStackTest, EachWindowBeginsLikeTheMonitorsStack) {
  ASSERT_TRUE(stack.init(page));
  for (const uint32_t esp : {0u, 0x7fff0000u, 0xfffc0000u}) {
    block.rsp = esp;
    const uint64_t base = stack.frame_of(block) & -uint64_t{RING1_STACK_BYTES};
    ASSERT_NE(walk(base), nullptr);
    EXPECT_EQ(std::memcmp(walk(base), header, sizeof header), 0);
  }
}

TEST_F(NarrowStackTest, NothingLiesRightBehindTheGuest) {
  ASSERT_TRUE(stack.init(page));
  for (unsigned gib = 4; gib < 8; gib++) EXPECT_EQ(low_table[gib], 0u);
}

TEST_F(NarrowStackTest, NoMemory) {
  world.pages_left = 2;
  EXPECT_FALSE(stack.init(page));
}

}  // namespace
}  // namespace ring1::monitor
