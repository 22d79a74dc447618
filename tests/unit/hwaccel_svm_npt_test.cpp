// SPDX-License-Identifier: GPL-2.0-only
// Nested page tables, read back by a walker that knows the bits of a long-mode entry (APM 2 5.4.1) and nothing of the
// builder.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

#include "hwaccel/nested_tables.h"
#include "hwaccel/svm/npt_format.h"

namespace ring1::hwaccel::svm {
namespace {

class Pages final : public paging::PageSource {
 public:
  bool allocate(paging::Page* page) override {
    if (used_ == kPages) return false;
    page->va = memory_.get() + used_ * kPageSize;
    page->hpa = Hpa(kBase + used_++ * kPageSize);
    memset(page->va, 0, kPageSize);
    return true;
  }
  void release(paging::Page) override {}
  const uint64_t* at(uint64_t hpa) const { return reinterpret_cast<uint64_t*>(memory_.get() + (hpa - kBase)); }

 private:
  static constexpr uint64_t kPages = 64, kBase = 0x1'2000'0000;
  struct Free {
    void operator()(uint8_t* p) const { std::free(p); }
  };
  std::unique_ptr<uint8_t, Free> memory_{static_cast<uint8_t*>(std::aligned_alloc(kPageSize, kPages* kPageSize))};
  uint64_t used_ = 0;
};

struct Found {
  bool present = false, writable = false, user = false;
  uint64_t hpa = 0;
};

Found walk(const Pages& pages, uint64_t root, uint64_t gpa) {
  Found found = {.present = true, .writable = true, .user = true};
  uint64_t table = root;
  for (int shift = 39;; shift -= 9) {
    const uint64_t entry = pages.at(table)[gpa >> shift & 511];
    if (!(entry & 1)) return {};
    found.writable = found.writable && (entry & 2);
    found.user = found.user && (entry & 4);
    const uint64_t frame = entry & 0x000ffffffffff000;
    if (shift == 12 || (shift == 21 && (entry & 0x80))) {
      found.hpa = frame | (gpa & ((uint64_t{1} << shift) - 1));
      return found;
    }
    EXPECT_FALSE(entry & 0x80) << "a large page at shift " << shift;
    table = frame;
  }
}

using Npt = NestedTables<NptFormat>;

// Every access of the guest counts as one of user code (APM 2 15.25.5).
TEST(SvmNestedTables, AMappedPageIsUserAndWritableAsAsked) {
  Pages pages;
  Npt npt(pages);
  ASSERT_TRUE(npt.init());
  ASSERT_TRUE(npt.map(Gpa(0xfee00000), Hpa(0x12345000), true));
  ASSERT_TRUE(npt.map(Gpa(0xffff0000), Hpa(0x54321000), false));
  const Found ram = walk(pages, npt.root().raw(), 0xfee00123);
  EXPECT_TRUE(ram.present && ram.writable && ram.user);
  EXPECT_EQ(ram.hpa, 0x12345123u);
  const Found rom = walk(pages, npt.root().raw(), 0xffff0008);
  EXPECT_TRUE(rom.present && rom.user);
  EXPECT_FALSE(rom.writable);
}

TEST(SvmNestedTables, LargePagesAreTwoMegabytes) {
  Pages pages;
  Npt npt(pages);
  ASSERT_TRUE(npt.init());
  ASSERT_TRUE(npt.map_large(Gpa(0x40000000), Hpa(0x200000), true));
  EXPECT_EQ(walk(pages, npt.root().raw(), 0x40012345).hpa, 0x212345u);
}

TEST(SvmNestedTables, ADeviceIsNotPresent) {
  Pages pages;
  Npt npt(pages);
  ASSERT_TRUE(npt.init());
  ASSERT_TRUE(npt.map_device(Gpa(0xfec00000)));
  EXPECT_FALSE(walk(pages, npt.root().raw(), 0xfec00000).present);
  EXPECT_TRUE(npt.is_device(Gpa(0xfec00000)));
  EXPECT_FALSE(npt.is_device(Gpa(0xfec01000)));
}

TEST(SvmNestedTables, ForgottenPagesAreGone) {
  Pages pages;
  Npt npt(pages);
  ASSERT_TRUE(npt.init());
  for (uint64_t i = 0; i < 4; i++) ASSERT_TRUE(npt.map(Gpa(i << 12), Hpa(0x100000 + (i << 12)), true));
  EXPECT_TRUE(npt.unmap(Gpa(0x1000), 2));
  EXPECT_FALSE(npt.unmap(Gpa(0x1000), 2));
  EXPECT_TRUE(walk(pages, npt.root().raw(), 0).present);
  EXPECT_FALSE(walk(pages, npt.root().raw(), 0x1000).present);
  EXPECT_FALSE(walk(pages, npt.root().raw(), 0x2000).present);
  EXPECT_TRUE(walk(pages, npt.root().raw(), 0x3000).present);
}

}  // namespace
}  // namespace ring1::hwaccel::svm
