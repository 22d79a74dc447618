// SPDX-License-Identifier: GPL-2.0-only
#include "tcache_fixture.h"

namespace ring1::tcache {
namespace {

TEST_F(TcacheTest, StartsWithTheMissStub) {
  EXPECT_EQ(environment.byte(0), 0xcd);
  EXPECT_EQ(environment.byte(1), 24);
  EXPECT_TRUE(cache->is_miss_stub(TcOffset(0)));
  unsigned offset;
  EXPECT_EQ(cache->find(TcOffset(0), &offset), nullptr);
  for (uint32_t i = 0; i < 65536; i += 997) EXPECT_EQ(environment.entry(i), kBase);
  EXPECT_TRUE(cache->check());
}

TEST_F(TcacheTest, LookupByEipAndMode) {
  Fragment* fragment = add(0x1000);
  EXPECT_EQ(get(0x1000), fragment);
  EXPECT_EQ(get(0x1004), nullptr);
  EXPECT_EQ(cache->lookup(0x1000, Mode{.cpl = 3}), nullptr);
  EXPECT_EQ(cache->lookup(0, Mode{.cs_base = 0x1000}), nullptr);
  EXPECT_EQ(cache->stats().lookup_hits, 1u);
  EXPECT_EQ(cache->stats().lookup_misses, 3u);
  EXPECT_EQ(cache->stats().fragments, 1u);
}

TEST_F(TcacheTest, FindByPosition) {
  std::vector<Fragment*> all;
  for (unsigned i = 0; i < 100; ++i) all.push_back(add(0x1000 + 16 * i, Unit(40 + i)));
  unsigned offset;
  for (Fragment* fragment : all) {
    EXPECT_EQ(cache->find(fragment->position(0), &offset), fragment);
    EXPECT_EQ(cache->find(fragment->position(fragment->code_size - 1u), &offset), fragment);
    EXPECT_EQ(offset, fragment->code_size - 1u);
  }
  EXPECT_EQ(cache->find(TcOffset(60000), &offset), nullptr);
  EXPECT_EQ(cache->find(TcOffset(1u << 20), &offset), nullptr);
  EXPECT_TRUE(cache->check());
}

TEST_F(TcacheTest, MapQueries) {
  Fragment* fragment = add(0x1000, Unit(64, {0x2000}));
  const auto entry_at = [&](unsigned offset) {
    translator::MapEntry entry;
    EXPECT_TRUE(find_map_entry(*fragment, offset, &entry));
    return entry.code_offset;
  };
  EXPECT_EQ(entry_at(7), 0);
  EXPECT_EQ(entry_at(8), 8);
  EXPECT_EQ(entry_at(63), 12);
  unsigned offset = 0;
  EXPECT_TRUE(boundary_offset(*fragment, 2, &offset));
  EXPECT_EQ(offset, 12u);
  EXPECT_FALSE(boundary_offset(*fragment, 4, &offset));
  EXPECT_EQ(find_exit(*fragment, 21), 0);
  EXPECT_EQ(find_exit(*fragment, 22), -1);
}

TEST_F(TcacheTest, LinkPatchesTheBranchAndADeathTakesItBack) {
  Fragment* from = add(0x1000, Unit(64, {0x2000, 0x3000}));
  Fragment* to = add(0x2000);
  EXPECT_FALSE(cache->link(from, 1, to));  // not its target
  ASSERT_TRUE(cache->link(from, 0, to));
  EXPECT_EQ(from->start + 21 + environment.dword(from->start + 17), to->start + 8);
  EXPECT_TRUE(cache->check());

  const uint64_t before = cache->generation();
  EXPECT_EQ(cache->invalidate_bytes(Gpa(0x2003), 1), 1u);
  EXPECT_NE(cache->generation(), before);
  EXPECT_EQ(environment.dword(from->start + 17), 26u - 21u);  // its stub
  EXPECT_EQ(cache->stats().unchained, 1u);
  EXPECT_TRUE(cache->check());
}

TEST_F(TcacheTest, ACallExitGoesToTheCallEntry) {
  Unit unit(64, {0x2000});
  unit.unit.exits[0].is_call = true;
  Fragment* from = add(0x1000, unit);
  Fragment* to = add(0x2000);
  ASSERT_TRUE(cache->link(from, 0, to));
  EXPECT_EQ(from->start + 21 + environment.dword(from->start + 17), to->start + 4);
}

TEST_F(TcacheTest, ALoopOfOneFragmentDies) {
  Fragment* fragment = add(0x1000, Unit(64, {0x1000}));
  ASSERT_TRUE(cache->link(fragment, 0, fragment));
  EXPECT_TRUE(cache->check());
  EXPECT_EQ(cache->invalidate_page(Gpa(0x1000)), 1u);
  EXPECT_EQ(cache->stats().fragments, 0u);
  EXPECT_TRUE(cache->check());
}

TEST_F(TcacheTest, ReturnTableFollowsTheFragments) {
  Unit unit;
  unit.unit.return_count = 1;
  unit.unit.returns[0] = {32, 0x12345678};
  Fragment* first = add(0x1000, unit);
  EXPECT_EQ(environment.entry(0x5678), kBase + first->start + 32);
  unit.unit.returns[0] = {40, 0x99995678};  // the same slot: the last writer wins
  Fragment* second = add(0x2000, unit);
  EXPECT_EQ(environment.entry(0x5678), kBase + second->start + 40);
  cache->publish(second);
  EXPECT_EQ(environment.entry(0x2000), kBase + second->start);
  cache->invalidate_page(Gpa(0x1000));
  EXPECT_EQ(environment.entry(0x5678), kBase + second->start + 40);
  cache->invalidate_page(Gpa(0x2000));
  EXPECT_EQ(environment.entry(0x5678), kBase);
  EXPECT_EQ(environment.entry(0x2000), kBase);
  EXPECT_TRUE(cache->check());
}

TEST_F(TcacheTest, ReturnTableHoldsOneMode) {
  Fragment* fragment = add(0x1000);
  cache->publish(fragment);
  cache->activate(Mode{.code32 = false});
  EXPECT_EQ(environment.entry(0x1000), kBase);
  cache->publish(fragment);
  EXPECT_EQ(environment.entry(0x1000), kBase);
  cache->activate(Mode{});
  cache->publish(fragment);
  EXPECT_EQ(environment.entry(0x1000), kBase + fragment->start);
  EXPECT_TRUE(cache->check());
}

TEST_F(TcacheTest, TracesComeAndGoWithTheCodeOfAPage) {
  add(0x1000);
  add(0x1ffe, Unit(64, {}, 6));  // two bytes here, four on the next page
  EXPECT_EQ(environment.traced, (std::set<uint64_t>{0x1000, 0x2000}));
  EXPECT_TRUE(cache->has_code(Gpa(0x2abc)));
  EXPECT_EQ(cache->invalidate_bytes(Gpa(0x2004), 100), 0u);
  EXPECT_EQ(cache->invalidate_bytes(Gpa(0x2003), 1), 1u);
  EXPECT_EQ(environment.traced, (std::set<uint64_t>{0x1000}));
  EXPECT_EQ(cache->invalidate_bytes(Gpa(0x0fff), 2), 1u);
  EXPECT_TRUE(environment.traced.empty());
  EXPECT_EQ(cache->stats().invalidated_write, 2u);
}

TEST_F(TcacheTest, AliasesOfAPhysicalPageDieTogether) {
  MappedPage high = flat(0xc0001000);
  high.gpa = Gpa(0x1000);
  add(0x1000);
  ASSERT_TRUE(cache->insert(0xc0001000, Mode{}, Unit().unit, &high, 1));
  EXPECT_EQ(environment.traced, (std::set<uint64_t>{0x1000}));
  EXPECT_EQ(cache->invalidate_linear(Gva(0x1000)), 1u);
  EXPECT_TRUE(cache->has_code(Gpa(0x1000)));
  EXPECT_EQ(cache->invalidate_page(Gpa(0x1000)), 1u);
  EXPECT_TRUE(cache->check());
}

TEST_F(TcacheTest, InsertReplaces) {
  add(0x1000);
  Fragment* again = add(0x1000);
  EXPECT_EQ(get(0x1000), again);
  EXPECT_EQ(cache->stats().fragments, 1u);
  EXPECT_TRUE(cache->check());
}

TEST_F(TcacheTest, EvictsTheGroupThatWasNotUsed) {
  uint32_t eip = 0x10000;
  while (cache->stats().evicted == 0) {
    for (unsigned page = 0; page < 16; ++page) {
      if (page != 5) environment.accessed.insert(page);
    }
    ASSERT_TRUE(add(eip += 16, Unit(1000)));
  }
  for (uint32_t at = 0x10010; at <= eip; at += 16) {
    const Fragment* fragment = get(at);
    EXPECT_TRUE(fragment || (at - 0x10010) / 16 / 4 == 5) << at;
    if (at == eip) { EXPECT_EQ(fragment->start / kPageSize, 5u); }
  }
  EXPECT_EQ(cache->stats().eviction_groups, 1u);
  EXPECT_EQ(cache->stats().evicted, 4u);
  EXPECT_TRUE(cache->check());
}

// Small units with many branches would need more memory for their records than their code's size lets expect.
TEST_F(TcacheTest, RecordsHaveABoundToo) {
  constexpr uint32_t kSize = 1 << 20, kUnitBytes = 72;
  start(kSize);
  const size_t before = allocator.used;
  const std::vector<uint32_t> nowhere(8, 0x5000'0000);
  for (uint32_t i = 0; i < kSize / kUnitBytes * 9 / 10; ++i)
    ASSERT_TRUE(add(0x10000 + 4 * i, Unit(kUnitBytes, nowhere)));
  EXPECT_GT(cache->stats().evicted, 0u);
  EXPECT_LE(allocator.used - before, 4 * kSize / kPageSize + 130);
  EXPECT_GT(allocator.used - before, 3 * kSize / kPageSize);
  EXPECT_TRUE(cache->check());
}

TEST_F(TcacheTest, RebaseKeepsEverything) {
  Fragment* fragment = add(0x1000);
  cache->publish(fragment);
  const uint32_t before = environment.entry(0x1000) - cache->exec_base();
  ASSERT_NE(before, 0u);
  cache->rebase(0xd0000000);
  EXPECT_EQ(get(0x1000), fragment);
  EXPECT_FALSE(environment.traced.empty());
  EXPECT_EQ(environment.entry(0x1000), 0xd0000000u + before);
  EXPECT_EQ(environment.entry(0x1001), 0xd0000000u);
  EXPECT_EQ(cache->exec_address(TcOffset(16)), 0xd0000010u);
  TcOffset at;
  EXPECT_TRUE(cache->contains(0xd0000010u, &at));
  EXPECT_EQ(at, TcOffset(16));
  EXPECT_FALSE(cache->contains(0xcfffffffu, &at));
  EXPECT_EQ(cache->stats().flushes, 0u);
  EXPECT_TRUE(cache->check());
  cache->flush();
  EXPECT_EQ(get(0x1000), nullptr);
  EXPECT_TRUE(environment.traced.empty());
  EXPECT_EQ(environment.entry(0x1000), 0xd0000000u);
  EXPECT_TRUE(cache->check());
}

TEST_F(TcacheTest, LivesWithFewCodePages) {
  environment.page_limit = 3;
  for (uint32_t i = 0; i < 200; ++i) ASSERT_TRUE(add(0x1000 + 8 * i, Unit(500)));
  EXPECT_LE(environment.code.size(), 3u);
  EXPECT_TRUE(cache->check());
}

TEST_F(TcacheTest, LivesWithLittleMemoryForRecords) {
  allocator.limit = allocator.used + 6;
  for (uint32_t i = 0; i < 300; ++i) {
    ASSERT_TRUE(add(0x1000 + 0x800 * i, Unit(100, {0x5000}))) << i;
    ASSERT_TRUE(cache->check());
  }
  allocator.limit = SIZE_MAX;
}

TEST_F(TcacheTest, OnePageCache) {
  start(4096);
  for (uint32_t i = 0; i < 50; ++i) ASSERT_TRUE(add(0x1000 + 8 * i, Unit(2048)));
  EXPECT_TRUE(cache->check());
}

// A guest with 2-level paging: directory at `root`, entries by linear page.
class FakeWalker : public Walker {
 public:
  uint64_t root = 0x100000;
  std::map<uint64_t, uint64_t> memory;  // by physical address
  unsigned walks = 0;

  void map(uint64_t root_, uint64_t linear, uint64_t table, uint64_t page) {
    memory[root_ + (linear >> 22) * 4] = table | 7;
    memory[table + (linear >> 12 & 1023) * 4] = page | 7;
  }
  bool walk(Gva page, MappedPage* out) override {
    ++walks;
    *out = {};
    out->gva = page;
    out->upper_count = 1;
    const uint64_t at = page.raw();
    if (!step(out, root + (at >> 22) * 4)) return false;
    if (!step(out, (out->entries[0].value & ~0xfffu) + (at >> 12 & 1023) * 4)) return false;
    out->gpa = Gpa(out->entries[1].value & ~0xfffu);
    return true;
  }

 private:
  bool step(MappedPage* out, uint64_t where) {
    out->entries[out->entry_count++] = {Gpa(where), memory[where]};
    return memory[where] & 1;
  }
};

class TcachePagingTest : public TcacheTest {
 protected:
  static constexpr uint64_t kRootA = 0x100000, kRootB = 0x101000, kTable = 0x102000, kOther = 0x103000;

  TcachePagingTest() {
    walker.map(kRootA, 0xc0001000, kTable, 0x1000);
    walker.map(kRootA, 0xc0002000, kTable, 0x2000);
  }
  Fragment* add_paged(uint32_t eip) {
    MappedPage page;
    EXPECT_TRUE(walker.walk(Gva(eip).page(), &page));
    return cache->insert(eip, Mode{}, Unit().unit, &page, 1);
  }
  unsigned load_cr3(uint64_t root) {
    walker.root = root;
    walker.walks = 0;
    const unsigned dropped = cache->revalidate(walker);
    EXPECT_TRUE(cache->check());
    return dropped;
  }
  unsigned change(uint64_t where, uint64_t value) {
    walker.memory[where] = value;
    const unsigned dropped = cache->entry_changed(Gpa(where), walker);
    EXPECT_TRUE(cache->check());
    return dropped;
  }
  FakeWalker walker;
};

TEST_F(TcachePagingTest, DependenciesAreFound) {
  add_paged(0xc0001000);
  add_paged(0xc0002000);
  EXPECT_TRUE(cache->depends_on(Gpa(kTable + 4)));
  EXPECT_TRUE(cache->depends_on(Gpa(kRootA + 0x300 * 4)));
  EXPECT_FALSE(cache->depends_on(Gpa(kTable + 12)));
  EXPECT_EQ(change(kTable + 4, 0x1000 | 0x67), 0u);  // A, D
  EXPECT_TRUE(get(0xc0001000));
  EXPECT_EQ(change(kTable + 4, 0x5000 | 7), 1u);
  EXPECT_EQ(get(0xc0001000), nullptr);
  EXPECT_TRUE(get(0xc0002000));
  EXPECT_EQ(change(kRootA + 0x300 * 4, kOther | 7), 0u);
  EXPECT_EQ(get(0xc0002000), nullptr);  // nothing is mapped there: it may come back
  EXPECT_EQ(change(kRootA + 0x300 * 4, kTable | 7), 0u);
  EXPECT_TRUE(get(0xc0002000));
  walker.map(kRootA, 0xc0002000, kOther, 0x6000);
  EXPECT_EQ(change(kRootA + 0x300 * 4, kOther | 7), 1u);
  EXPECT_EQ(cache->stats().invalidated_remap, 2u);
  EXPECT_TRUE(environment.traced.empty());
}

TEST_F(TcachePagingTest, ATableThatIsReplacedByOneOfTheSamePagesChangesNothing) {
  Fragment* fragment = add_paged(0xc0001000);
  const uint64_t before = cache->generation();
  walker.map(kRootA, 0xc0001000, kOther, 0x1000);
  EXPECT_EQ(change(kRootA + 0x300 * 4, kOther | 7), 0u);
  EXPECT_EQ(get(0xc0001000), fragment);
  EXPECT_EQ(cache->generation(), before);
  EXPECT_TRUE(cache->depends_on(Gpa(kOther + 4)));
  EXPECT_FALSE(cache->depends_on(Gpa(kTable + 4)));
}

TEST_F(TcachePagingTest, ManyDependentsOfOneEntryAreAllWalked) {
  // The same table at twenty places: twenty pages hang on one entry.
  for (unsigned i = 0; i < 20; ++i) {
    walker.memory[kRootA + (0x200 + i) * 4] = kTable | 7;
    add_paged(((0x200 + i) << 22) + 0x1000);
  }
  EXPECT_EQ(change(kTable + 4, 0x9000 | 7), 20u);
  EXPECT_FALSE(get((0x200 << 22) + 0x1000));
}

TEST_F(TcachePagingTest, AnAddressSpaceWithTheSameTableCostsOneWalk) {
  add_paged(0xc0001000);
  add_paged(0xc0002000);
  walker.memory[kRootB + 0x300 * 4] = kTable | 7;
  EXPECT_EQ(load_cr3(kRootB), 0u);
  EXPECT_EQ(walker.walks, 1u);
  EXPECT_TRUE(get(0xc0001000));
  EXPECT_TRUE(cache->depends_on(Gpa(kRootB + 0x300 * 4)));
  EXPECT_FALSE(cache->depends_on(Gpa(kRootA + 0x300 * 4)));
}

TEST_F(TcachePagingTest, RemappedCodeIsDropped) {
  add_paged(0xc0001000);
  add_paged(0xc0002000);
  walker.map(kRootB, 0xc0001000, kOther, 0x7000);
  walker.map(kRootB, 0xc0002000, kOther, 0x2000);
  EXPECT_EQ(load_cr3(kRootB), 1u);
  EXPECT_EQ(get(0xc0001000), nullptr);
  EXPECT_TRUE(get(0xc0002000));
  EXPECT_TRUE(cache->depends_on(Gpa(kOther + 8)));
  EXPECT_FALSE(cache->depends_on(Gpa(kTable + 8)));
}

TEST_F(TcachePagingTest, UnmappedCodeIsSuspendedUntilItIsSeenAgain) {
  Fragment* fragment = add_paged(0xc0001000);
  cache->publish(fragment);
  const uint64_t before = cache->generation();
  EXPECT_EQ(load_cr3(kRootB), 0u);
  EXPECT_NE(cache->generation(), before);
  EXPECT_EQ(get(0xc0001000), nullptr);
  EXPECT_EQ(environment.entry(0x1000), kBase);
  EXPECT_TRUE(cache->has_code(Gpa(0x1000)));
  EXPECT_EQ(load_cr3(kRootA), 0u);
  EXPECT_EQ(get(0xc0001000), fragment);

  load_cr3(kRootB);  // now by a page fault that maps it
  walker.map(kRootB, 0xc0001000, kTable, 0x1000);
  EXPECT_EQ(cache->entry_changed(Gpa(kRootB + 0x300 * 4), walker), 0u);
  MappedPage page;
  ASSERT_TRUE(walker.walk(Gva(0xc0001000), &page));
  EXPECT_EQ(cache->note_mapping(page), 0u);
  EXPECT_EQ(get(0xc0001000), fragment);

  load_cr3(kRootA);
  EXPECT_EQ(change(kTable + 4, 0x9007), 1u);  // changed where it is in force
  EXPECT_TRUE(cache->check());
}

TEST_F(TcachePagingTest, ASuspendedPageThatComesBackElsewhereIsDropped) {
  add_paged(0xc0001000);
  load_cr3(kRootB);
  walker.map(kRootB, 0xc0001000, kOther, 0x7000);
  Fragment* fragment = add_paged(0xc0001000);
  EXPECT_EQ(get(0xc0001000), fragment);
  EXPECT_EQ(environment.traced, (std::set<uint64_t>{0x7000}));
  EXPECT_TRUE(cache->check());
}

}  // namespace
}  // namespace ring1::tcache
