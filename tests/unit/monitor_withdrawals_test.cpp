// SPDX-License-Identifier: GPL-2.0-only
#include <gtest/gtest.h>

#include <set>

#include "monitor/vcpu/withdrawals.h"

namespace ring1::monitor {
namespace {

std::set<uint64_t> take_all(Withdrawals& list, uint64_t most) {
  std::set<uint64_t> pages;
  while (!list.empty()) {
    uint64_t gfn, count;
    list.take(most, &gfn, &count);
    EXPECT_GT(count, 0u);
    EXPECT_LE(count, most);
    for (uint64_t i = 0; i < count; i++) pages.insert(gfn + i);
  }
  return pages;
}

TEST(Withdrawals, AreWorkedOffPieceByPiece) {
  Withdrawals list;
  EXPECT_TRUE(list.empty());
  list.add(100, 10);
  list.add(7, 1);
  const std::set<uint64_t> pages = take_all(list, 3);
  EXPECT_EQ(pages.size(), 11u);
  EXPECT_TRUE(pages.count(7) && pages.count(100) && pages.count(109));
}

TEST(Withdrawals, NoneIsLostWhenTheyAreTooMany) {
  Withdrawals list;
  for (uint64_t i = 0; i < 1000; i++) list.add(i * 1000, 2);
  const std::set<uint64_t> pages = take_all(list, 1u << 16);
  for (uint64_t i = 0; i < 1000; i++) EXPECT_TRUE(pages.count(i * 1000) && pages.count(i * 1000 + 1));
}

}  // namespace
}  // namespace ring1::monitor
