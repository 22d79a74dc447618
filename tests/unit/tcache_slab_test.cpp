// SPDX-License-Identifier: GPL-2.0-only
#include <random>

#include "tcache/slab.h"
#include "tcache_fixture.h"

namespace ring1::tcache {
namespace {

TEST(TcacheSlab, RecordsAreDisjointAndPagesGoBack) {
  FakeAllocator allocator;
  {
    Slab slab(allocator);
    std::vector<std::pair<uint8_t*, size_t>> live;
    std::minstd_rand random(1);
    for (int step = 0; step < 20000; ++step) {
      if (live.size() > 200 || (live.size() && random() % 3 == 0)) {
        const size_t i = random() % live.size();
        auto [record, size] = live[i];
        for (size_t k = 0; k < size; ++k) ASSERT_EQ(record[k], record[0]);
        slab.release(record);
        live[i] = live.back();
        live.pop_back();
      } else {
        const size_t size = 1 + random() % Slab::kMaxBytes;
        auto* record = static_cast<uint8_t*>(slab.allocate(size));
        ASSERT_TRUE(record);
        std::memset(record, static_cast<int>(random() % 256), size);
        live.push_back({record, size});
      }
    }
    EXPECT_EQ(slab.pages(), allocator.used);
    for (auto [record, size] : live) slab.release(record);
    EXPECT_EQ(slab.pages(), 0u);
  }
  EXPECT_EQ(allocator.used, 0u);
}

TEST(TcacheSlab, OutOfMemoryIsAnAnswer) {
  FakeAllocator allocator;
  allocator.limit = 1;
  Slab slab(allocator);
  void* first = slab.allocate(4000);
  ASSERT_TRUE(first);
  EXPECT_FALSE(slab.allocate(4000));
  slab.release(first);
  first = slab.allocate(10);  // the page serves another class now
  EXPECT_TRUE(first);
  slab.release(first);
}

}  // namespace
}  // namespace ring1::tcache
