// SPDX-License-Identifier: GPL-2.0-only
// Random operations against a model that only knows which fragments were dropped for a reason: eviction may take any
// other, but what the cache returns must be what was put in.
#include <random>

#include "tcache_fixture.h"

namespace ring1::tcache {
namespace {

struct Made {
  unsigned size;
  uint8_t filler;
  unsigned guest_size;
};

class TcacheRandomTest : public TcacheTest, public ::testing::WithParamInterface<unsigned> {
 protected:
  static constexpr uint32_t kPages = 12;
  std::minstd_rand random{GetParam()};
  std::map<uint32_t, Made> model;  // by EIP; what may be in the cache

  uint32_t random_eip() { return 0x10000 + random() % (kPages * 4096) / 8 * 8; }

  void insert() {
    const uint32_t eip = random_eip();
    const Made made{120 + static_cast<unsigned>(random() % 800), static_cast<uint8_t>(random()),
                    1 + static_cast<unsigned>(random() % 60)};
    Unit unit(made.size, {random_eip(), random_eip(), eip}, made.guest_size);
    std::memset(&unit.code[60], made.filler, made.size - 60);
    unit.unit.return_count = 1;
    unit.unit.returns[0] = {50, random_eip()};
    unit.unit.exits[1].is_call = true;
    ASSERT_TRUE(add(eip, unit));
    model[eip] = made;
  }
  void link() {
    Fragment* fragment = get(random_eip());
    if (!fragment) return;
    const unsigned exit = random() % 3;
    Fragment* target = get(fragment->exits[exit].target_eip);
    if (target) { EXPECT_TRUE(cache->link(fragment, exit, target)); }
    if (random() % 4 == 0) cache->publish(fragment);
  }
  void invalidate() {
    const uint32_t where = random_eip() + random() % 8, size = 1 + random() % 70;
    unsigned expected = 0;
    for (auto at = model.begin(); at != model.end();) {
      const bool hit = at->first < where + size && where < at->first + at->second.guest_size;
      if (hit && get(at->first)) ++expected;
      at = hit ? model.erase(at) : std::next(at);
    }
    EXPECT_EQ(cache->invalidate_bytes(Gpa(where), size), expected);
  }
  void compare() {
    uint64_t found = 0;
    std::set<uint64_t> pages;
    for (auto& [eip, made] : model) {
      Fragment* fragment = get(eip);
      if (!fragment) continue;
      ++found;
      ASSERT_EQ(fragment->code_size, made.size);
      for (unsigned i = 60; i < made.size; ++i) ASSERT_EQ(environment.byte(fragment->start + i), made.filler);
      pages.insert(eip & ~0xfffu);
      pages.insert((eip + made.guest_size - 1) & ~0xfffu);
    }
    EXPECT_EQ(found, cache->stats().fragments);
    EXPECT_EQ(environment.traced, pages);
    ASSERT_TRUE(cache->check());
  }
};

TEST_P(TcacheRandomTest, AgreesWithTheModel) {
  for (unsigned step = 0; step < 10000 && !HasFatalFailure(); ++step) {
    environment.accessed.insert(random() % 16);
    const unsigned what = random() % 1000;
    if (what < 500) {
      insert();
    } else if (what < 900) {
      link();
    } else if (what < 998) {
      invalidate();
    } else if (what < 999) {
      model.clear();
      cache->flush();
    }
    if (environment.accessed.size() > 16) environment.accessed.clear();
    std::set<unsigned> supplied;
    for (unsigned page : environment.accessed) {
      if (environment.code.count(page)) supplied.insert(page);
    }
    environment.accessed = supplied;
    if (step % 50 == 0) compare();
  }
  EXPECT_GT(cache->stats().evicted, 0u);
  EXPECT_GT(cache->stats().chained, 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, TcacheRandomTest, ::testing::Range(1u, 5u));

}  // namespace
}  // namespace ring1::tcache
