// SPDX-License-Identifier: GPL-2.0-only
#include <gtest/gtest.h>

#include "monitor/vcpu/recent_pages.h"

namespace ring1::monitor {
namespace {

constexpr paging::Access kRead{}, kWrite{.write = true}, kUserRead{.user = true}, kFetch{.fetch = true},
    kWithAc{.ac = true};
uint8_t memory[kPageSize];

TEST(RecentPages, FindsAnyAddressOfAPageForTheSameAccess) {
  RecentPages pages;
  pages.begin();
  pages.add(Gva(0xc0001234), kRead, Gpa(0x5678), memory);
  const RecentPages::Page* page = pages.find(Gva(0xc0001fff), kRead);
  ASSERT_NE(page, nullptr);
  EXPECT_EQ(page->physical.raw(), 0x5000u);
  EXPECT_EQ(page->memory, memory);
  EXPECT_EQ(pages.find(Gva(0xc0002000), kRead), nullptr);
  EXPECT_EQ(pages.find(Gva(0xc0000fff), kRead), nullptr);
}

TEST(RecentPages, RightsAreThoseOfTheAccessThatFoundThePage) {
  RecentPages pages;
  pages.begin();
  pages.add(Gva(0x1000), kRead, Gpa(0x1000), memory);
  for (const paging::Access other : {kWrite, kUserRead, kFetch, kWithAc})
    EXPECT_EQ(pages.find(Gva(0x1000), other), nullptr);
  pages.add(Gva(0x1000), kWrite, Gpa(0x1000), memory);
  EXPECT_NE(pages.find(Gva(0x1000), kRead), nullptr);
  EXPECT_NE(pages.find(Gva(0x1000), kWrite), nullptr);
}

TEST(RecentPages, NothingOutlivesTheInstructionOrAnInvalidation) {
  RecentPages pages;
  EXPECT_FALSE(pages.running());
  pages.begin();
  EXPECT_TRUE(pages.running());
  pages.add(Gva(0x1000), kRead, Gpa(0x1000), memory);
  pages.forget();
  EXPECT_EQ(pages.find(Gva(0x1000), kRead), nullptr);
  EXPECT_TRUE(pages.running());
  pages.add(Gva(0x1000), kRead, Gpa(0x1000), memory);
  pages.end();
  EXPECT_EQ(pages.find(Gva(0x1000), kRead), nullptr);
  EXPECT_FALSE(pages.running());
}

TEST(RecentPages, ManyPagesAreNeverMixedUp) {
  RecentPages pages;
  pages.begin();
  for (uint64_t i = 0; i < 100; i++) {
    pages.add(Gva(i << kPageShift), kRead, Gpa((1000 + i) << kPageShift), memory);
    const RecentPages::Page* last = pages.find(Gva(i << kPageShift), kRead);
    ASSERT_NE(last, nullptr);
    for (uint64_t j = 0; j <= i; j++) {
      const RecentPages::Page* page = pages.find(Gva(j << kPageShift), kRead);
      if (page) { EXPECT_EQ(page->physical.frame(), 1000 + j); }
    }
  }
}

}  // namespace
}  // namespace ring1::monitor
