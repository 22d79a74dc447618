// SPDX-License-Identifier: GPL-2.0-only
// The tables are read back by a walker that knows the manual's bits and nothing of the builder.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <random>

#include "hwaccel/nested_tables.h"
#include "hwaccel/vmx/ept_format.h"

namespace ring1::hwaccel {
namespace {

class Pages final : public paging::PageSource {
 public:
  explicit Pages(unsigned limit = 4096) : limit_(limit) {
    memory_ = static_cast<uint8_t*>(std::aligned_alloc(kPageSize, limit * kPageSize));
  }
  ~Pages() { std::free(memory_); }
  bool allocate(paging::Page* page) override {
    if (used_ == limit_) return false;
    page->va = memory_ + used_ * kPageSize;
    page->hpa = Hpa(kBase + used_++ * kPageSize);
    memset(page->va, 0, kPageSize);
    return true;
  }
  void release(paging::Page) override { ++released; }
  const uint64_t* at(uint64_t hpa) const { return reinterpret_cast<uint64_t*>(memory_ + (hpa - kBase)); }

  unsigned released = 0;

 private:
  static constexpr uint64_t kBase = 0x7'4000'0000;
  uint8_t* memory_;
  uint64_t used_ = 0, limit_;
};

using Ept = NestedTables<vmx::EptFormat>;

// SDM 3C 29.3.2, table 29-1: what an access to gpa finds.
struct Found {
  enum class Kind { kViolation, kMisconfiguration, kMapped } kind;
  uint64_t hpa = 0;
  unsigned rights = 0, type = 0;
};

Found walk(const Pages& pages, uint64_t root, uint64_t gpa) {
  uint64_t table = root;
  unsigned rights = 7;
  for (int shift = 39;; shift -= 9) {
    const uint64_t entry = pages.at(table)[gpa >> shift & 511];
    if ((entry & 7) == 0) return {Found::Kind::kViolation};
    if ((entry & 7) == 2 || (entry & 7) == 6) return {Found::Kind::kMisconfiguration};
    rights &= entry & 7;
    const bool leaf = shift == 12 || (entry & 0x80);
    if (!leaf && (entry & 0x78)) return {Found::Kind::kMisconfiguration};
    if (!leaf) {
      table = entry & 0xffffffffff000;
      continue;
    }
    const uint64_t mask = (uint64_t{1} << shift) - 1;
    if (shift > 21 || (entry & 0xffffffffff000 & mask)) return {Found::Kind::kMisconfiguration};
    return {Found::Kind::kMapped, (entry & 0xffffffffff000) + (gpa & mask), rights,
            static_cast<unsigned>(entry >> 3 & 7)};
  }
}

TEST(NestedTables, AMappedPageIsReadableExecutableWriteBack) {
  Pages pages;
  Ept ept(pages);
  ASSERT_TRUE(ept.init());
  ASSERT_TRUE(ept.map(Gpa(0x12345000), Hpa(0x999000), true));
  const Found found = walk(pages, ept.root().raw(), 0x12345678);
  EXPECT_EQ(found.kind, Found::Kind::kMapped);
  EXPECT_EQ(found.hpa, 0x999678u);
  EXPECT_EQ(found.rights, 7u);
  EXPECT_EQ(found.type, 6u);
  EXPECT_EQ(walk(pages, ept.root().raw(), 0x12346000).kind, Found::Kind::kViolation);
  EXPECT_EQ(walk(pages, ept.root().raw(), 0x92345000).kind, Found::Kind::kViolation);
}

TEST(NestedTables, ReadOnlyAndProtect) {
  Pages pages;
  Ept ept(pages);
  ASSERT_TRUE(ept.init());
  ASSERT_TRUE(ept.map(Gpa(0x1000), Hpa(0x5000), false));
  ASSERT_TRUE(ept.map(Gpa(0x2000), Hpa(0x6000), true));
  EXPECT_EQ(walk(pages, ept.root().raw(), 0x1000).rights, 5u);
  EXPECT_FALSE(ept.protect(Gpa(0x1000), 1)) << "it was read-only";
  EXPECT_TRUE(ept.protect(Gpa(0), 16));
  EXPECT_EQ(walk(pages, ept.root().raw(), 0x2000).rights, 5u);
  EXPECT_FALSE(ept.protect(Gpa(0), 16));
}

TEST(NestedTables, DevicesAreMisconfiguredAndForgotten) {
  Pages pages;
  Ept ept(pages);
  ASSERT_TRUE(ept.init());
  ASSERT_TRUE(ept.map_device(Gpa(0xfee00000)));
  EXPECT_EQ(walk(pages, ept.root().raw(), 0xfee00020).kind, Found::Kind::kMisconfiguration);
  EXPECT_TRUE(ept.is_device(Gpa(0xfee00000)));
  EXPECT_FALSE(ept.is_device(Gpa(0xfee01000)));
  EXPECT_FALSE(ept.protect(Gpa(0xfee00000), 1)) << "a device page stays one";
  EXPECT_TRUE(ept.is_device(Gpa(0xfee00000)));
  EXPECT_TRUE(ept.unmap(Gpa(0xfee00000), 1));
  EXPECT_EQ(walk(pages, ept.root().raw(), 0xfee00020).kind, Found::Kind::kViolation);
}

TEST(NestedTables, LargePages) {
  Pages pages;
  Ept ept(pages);
  ASSERT_TRUE(ept.init());
  ASSERT_TRUE(ept.map_large(Gpa(0x40000000), Hpa(0x80000000), true));
  EXPECT_EQ(walk(pages, ept.root().raw(), 0x40123456).hpa, 0x80123456u);
  EXPECT_EQ(ept.tables(), 2u);
  Ept::Mapping mapping;
  ASSERT_TRUE(ept.lookup(Gpa(0x40123456), &mapping));
  EXPECT_EQ(mapping.hpa.raw(), 0x80123456u);
  EXPECT_TRUE(mapping.large && mapping.writable);
  // A small page inside takes its place.
  ASSERT_TRUE(ept.map(Gpa(0x40001000), Hpa(0x1000), true));
  EXPECT_EQ(walk(pages, ept.root().raw(), 0x40001000).hpa, 0x1000u);
  EXPECT_EQ(walk(pages, ept.root().raw(), 0x40123456).kind, Found::Kind::kViolation);
  EXPECT_FALSE(ept.map_large(Gpa(0x40000000), Hpa(0x80000000), true)) << "small pages are mapped there";
  // Unmapping a piece of a large page takes it all.
  ASSERT_TRUE(ept.map_large(Gpa(0x80000000), Hpa(0x80000000), true));
  EXPECT_TRUE(ept.unmap(Gpa(0x80005000), 1));
  EXPECT_EQ(walk(pages, ept.root().raw(), 0x80000000).kind, Found::Kind::kViolation);
}

TEST(NestedTables, OutOfMemoryAndOutOfRange) {
  Pages pages(3);
  Ept ept(pages);
  ASSERT_TRUE(ept.init());
  EXPECT_FALSE(ept.map(Gpa(0x1000), Hpa(0x1000), true)) << "needs three more tables, there are two";
  Pages more;
  Ept other(more);
  ASSERT_TRUE(other.init());
  EXPECT_FALSE(other.map(Gpa(Ept::kSpan), Hpa(0x1000), true));
  EXPECT_FALSE(other.unmap(Gpa(Ept::kSpan - kPageSize), ~uint64_t{0})) << "the end of the space is no trap";
  Ept::Mapping mapping;
  EXPECT_FALSE(other.lookup(Gpa(Ept::kSpan), &mapping));
}

TEST(NestedTables, RandomOperationsAgainstAMap) {
  struct Page {
    uint64_t hpa;
    bool write, device;
  };
  Pages pages(20000);
  Ept ept(pages);
  ASSERT_TRUE(ept.init());
  std::map<uint64_t, Page> model;
  std::mt19937_64 random(1);
  const auto some_page = [&] {
    return (random() % 2 ? random() % 2048 : random() % (uint64_t{1} << 24)) << kPageShift;
  };
  for (unsigned i = 0; i < 20000; ++i) {
    const uint64_t gpa = some_page();
    switch (random() % 4) {
      case 0: {
        const Page page{some_page() + (uint64_t{1} << 40), (random() & 1) != 0, false};
        ASSERT_TRUE(ept.map(Gpa(gpa), Hpa(page.hpa), page.write));
        model[gpa] = page;
        break;
      }
      case 1:
        ASSERT_TRUE(ept.map_device(Gpa(gpa)));
        model[gpa] = {0, false, true};
        break;
      case 2: {
        const uint64_t count = random() % 64;
        const auto first = model.lower_bound(gpa), last = model.lower_bound(gpa + count * kPageSize);
        EXPECT_EQ(ept.unmap(Gpa(gpa), count), first != last);
        model.erase(first, last);
        break;
      }
      case 3: {
        const uint64_t count = random() % 64;
        ept.protect(Gpa(gpa), count);
        for (auto at = model.lower_bound(gpa); at != model.end() && at->first < gpa + count * kPageSize; ++at)
          at->second.write = false;
        break;
      }
    }
    const uint64_t probe = random() % 2 ? gpa : some_page();
    const Found found = walk(pages, ept.root().raw(), probe);
    const auto expected = model.find(probe);
    if (expected == model.end()) {
      ASSERT_EQ(found.kind, Found::Kind::kViolation);
    } else if (expected->second.device) {
      ASSERT_EQ(found.kind, Found::Kind::kMisconfiguration);
    } else {
      ASSERT_EQ(found.kind, Found::Kind::kMapped);
      ASSERT_EQ(found.hpa, expected->second.hpa);
      ASSERT_EQ(found.rights, expected->second.write ? 7u : 5u);
    }
  }
}

}  // namespace
}  // namespace ring1::hwaccel
