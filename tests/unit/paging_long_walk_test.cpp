// SPDX-License-Identifier: GPL-2.0-only
// The walker over the tables of 64-bit guests: every level, every size of page, rights and reserved bits, compared with
// a walk written down level by level.
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

#include "paging/guest_walker.h"

namespace ring1::paging {
namespace {

constexpr uint64_t kP = 1, kW = 2, kU = 4, kA = 0x20, kD = 0x40, kPs = 0x80, kNx = uint64_t{1} << 63;
constexpr uint64_t kAll = kP | kW | kU;
constexpr uint32_t kFp = page_fault::kPresent, kFw = page_fault::kWrite, kFu = page_fault::kUser,
                   kFr = page_fault::kReserved, kFi = page_fault::kFetch;
constexpr uint64_t kFrame = 0x000f'ffff'ffff'f000;
constexpr unsigned kWidth = 40;

class Memory final : public GuestMemory {
 public:
  static constexpr unsigned kPages = 64;
  Backing page(Gpa page, Hpa* hpa, GuestPointer* va) override {
    if (page.raw() == blocked) return Backing::kBlocked;
    if (page.frame() >= kPages) return Backing::kDevice;
    *hpa = Hpa(page.raw());
    *va = {&words_[page.raw() / 8], generation()};
    return Backing::kRam;
  }
  uint64_t& at(uint64_t gpa) { return words_[gpa / 8]; }

  uint64_t blocked = ~uint64_t{0};

 private:
  std::vector<uint64_t> words_ = std::vector<uint64_t>(kPages * kPageSize / 8);
};

class LongWalk : public ::testing::Test {
 protected:
  LongWalk() : walker_(memory_) {
    mode_.paging = mode_.pae = mode_.long_mode = mode_.nxe = mode_.wp = mode_.gigabyte_pages = true;
    mode_.physical_bits = kWidth;
  }
  static constexpr uint64_t kRoot = 0x1000;
  static unsigned index(uint64_t gva, unsigned level) { return gva >> (12 + 9 * (level - 1)) & 511; }

  void load() { ASSERT_EQ(walker_.load(mode_, kRoot | 0x18, Pointers::kLoad), GuestWalker::Load::kOk); }
  // The entry of a level, with the tables above it made as needed.
  uint64_t& entry_of(uint64_t gva, unsigned level) {
    uint64_t table = kRoot;
    for (unsigned at = mode_.la57 ? 5 : 4; at > level; --at) {
      uint64_t& value = memory_.at(table + 8 * index(gva, at));
      if (!value) value = (next_ += kPageSize) | kAll;
      table = value & kFrame;
    }
    return memory_.at(table + 8 * index(gva, level));
  }
  GuestWalk walk(uint64_t gva, Access access = {}) {
    load();
    return walker_.walk(Gva(gva), access);
  }
  void expect_page(uint64_t gva, Access access, uint64_t gpa, uint64_t bytes) {
    const GuestWalk found = walk(gva, access);
    EXPECT_TRUE(found.ok) << std::hex << gva << " error " << found.fault.error_code;
    EXPECT_EQ(found.gpa.raw(), gpa);
    EXPECT_EQ(found.page_bytes, bytes);
  }
  void expect_fault(uint64_t gva, Access access, uint32_t error) {
    const GuestWalk found = walk(gva, access);
    EXPECT_FALSE(found.ok) << std::hex << gva;
    EXPECT_EQ(found.fault.vector, Vector::kPf);
    EXPECT_EQ(found.fault.error_code, error) << std::hex << gva;
    EXPECT_EQ(found.fault.cr2, gva);
  }

  Memory memory_;
  GuestWalker walker_;
  PagingMode mode_;
  uint64_t next_ = kRoot;
};

constexpr uint64_t kHigh = 0xffff'8880'1234'5678, kLow = 0x0000'7fff'ffff'fff8;
constexpr Access kRead{}, kWrite{.write = true}, kUserRead{.user = true}, kUserWrite{.write = true, .user = true},
    kFetch{.fetch = true}, kUserFetch{.user = true, .fetch = true};

TEST_F(LongWalk, PagesOfEverySize) {
  entry_of(kHigh, 1) = 0x12'3456'7000 | kAll;
  expect_page(kHigh, kWrite, 0x12'3456'7678, 4096);
  entry_of(kLow, 2) = 0x12'3460'0000 | kAll | kPs;
  expect_page(kLow, kUserWrite, 0x12'347f'fff8, 2u << 20);
  entry_of(0x40'4000'0000, 3) = 0x40'0000'0000 | kAll | kPs;
  expect_page(0x40'7654'3210, kRead, 0x40'3654'3210, 1u << 30);
  expect_fault(0x100'0000'0000, kUserWrite, kFw | kFu);
}

TEST_F(LongWalk, FiveLevels) {
  mode_.la57 = true;
  const uint64_t address = 0xff11'2233'4455'6677;
  entry_of(address, 1) = 0x5000 | kAll;
  expect_page(address, kWrite, 0x5677, 4096);
  EXPECT_EQ(walk(address).entry_count, 5);
  EXPECT_EQ(walk(0x0100'0000'0000'0000).fault.vector, Vector::kGp);
}

TEST_F(LongWalk, NotCanonical) {
  for (uint64_t address : {uint64_t{0x0000'8000'0000'0000}, uint64_t{0xffff'7fff'ffff'ffff}, uint64_t{1} << 63}) {
    const GuestWalk found = walk(address);
    EXPECT_FALSE(found.ok);
    EXPECT_EQ(found.fault.vector, Vector::kGp);
    EXPECT_EQ(found.fault.error_code, 0u);
  }
  expect_fault(0x0000'7fff'ffff'ffff, kRead, 0);
  expect_fault(0xffff'8000'0000'0000, kRead, 0);
}

TEST_F(LongWalk, RightsOfEveryLevelCount) {
  for (unsigned level = 1; level <= 4; ++level) {
    entry_of(kHigh, 1) = 0x5000 | kAll;
    uint64_t& entry = entry_of(kHigh, level);
    const uint64_t before = entry;
    entry = before & ~kW;
    expect_fault(kHigh, kUserWrite, kFp | kFw | kFu);
    expect_fault(kHigh, kWrite, kFp | kFw);
    expect_page(kHigh, kUserRead, 0x5678, 4096);
    entry = before & ~kU;
    expect_fault(kHigh, kUserRead, kFp | kFu);
    expect_page(kHigh, kWrite, 0x5678, 4096);
    entry = before | kNx;
    expect_fault(kHigh, kFetch, kFp | kFi);
    expect_page(kHigh, kRead, 0x5678, 4096);
    entry = before & ~kP;
    expect_fault(kHigh, kFetch, kFi);
    entry = before;
  }
}

TEST_F(LongWalk, WithoutWriteProtectAndExecuteDisable) {
  mode_.wp = mode_.nxe = false;
  entry_of(kHigh, 1) = 0x5000 | kP | kU;
  expect_page(kHigh, kWrite, 0x5678, 4096);
  expect_fault(kHigh, kUserWrite, kFp | kFw | kFu);
  entry_of(kHigh, 1) |= kNx;
  expect_fault(kHigh, kFetch, kFp | kFr);
}

TEST_F(LongWalk, SupervisorAndUserPages) {
  mode_.smep = mode_.smap = true;
  entry_of(kHigh, 1) = 0x5000 | kAll;
  expect_fault(kHigh, kFetch, kFp | kFi);
  expect_fault(kHigh, kRead, kFp);
  expect_fault(kHigh, kWrite, kFp | kFw);
  expect_page(kHigh, {.write = true, .ac = true}, 0x5678, 4096);
  expect_fault(kHigh, {.fetch = true, .ac = true}, kFp | kFi);
  expect_page(kHigh, kUserFetch, 0x5678, 4096);
  expect_page(kHigh, kUserRead, 0x5678, 4096);
  entry_of(kHigh, 1) &= ~kU;
  expect_page(kHigh, kFetch, 0x5678, 4096);
  expect_page(kHigh, kWrite, 0x5678, 4096);
}

// SDM 3A 4.5.4, tables 4-15 to 4-20.
TEST_F(LongWalk, ReservedBits) {
  for (unsigned level = 1; level <= 4; ++level) {
    entry_of(kHigh, 1) = 0x5000 | kAll;
    uint64_t& entry = entry_of(kHigh, level);
    const uint64_t before = entry;
    for (unsigned bit = 0; bit < 64; ++bit) {
      const bool reserved = (bit >= kWidth && bit <= 51) || (bit == 7 && level == 4);
      if (!reserved && bit < 52 && bit > 6) continue;  // the frame, a large page, or ignored bits
      if (bit <= 2) continue;
      entry = before | uint64_t{1} << bit;
      if (reserved)
        expect_fault(kHigh, kRead, kFp | kFr);
      else
        expect_page(kHigh, kRead, 0x5678, 4096);
    }
    entry = before;
  }
  entry_of(kLow, 2) = kAll | kPs;
  for (unsigned bit = 12; bit <= 20; ++bit) {
    entry_of(kLow, 2) = kAll | kPs | uint64_t{1} << bit;
    if (bit == 12)
      expect_page(kLow, kRead, 0x1f'fff8, 2u << 20);  // PAT
    else
      expect_fault(kLow, kRead, kFp | kFr);
  }
  entry_of(0x40'0000'0000, 3) = kAll | kPs | 1u << 29;
  expect_fault(0x40'0000'0000, kRead, kFp | kFr);
  entry_of(0x40'0000'0000, 3) = kAll | kPs;
  expect_page(0x40'0000'0008, kRead, 8, 1u << 30);
  mode_.gigabyte_pages = false;
  expect_fault(0x40'0000'0000, kRead, kFp | kFr);
}

TEST_F(LongWalk, AccessedAndDirty) {
  entry_of(kHigh, 1) = 0x5000 | kAll;
  GuestWalk found = walk(kHigh);
  ASSERT_TRUE(found.ok);
  EXPECT_FALSE(found.dirty);
  EXPECT_EQ(walker_.set_accessed_dirty(found, false), 0xfu);
  for (unsigned level = 1; level <= 4; ++level) EXPECT_EQ(entry_of(kHigh, level) & (kA | kD), kA);
  found = walk(kHigh, kWrite);
  EXPECT_EQ(walker_.set_accessed_dirty(found, true), 8u);
  for (unsigned level = 2; level <= 4; ++level) EXPECT_EQ(entry_of(kHigh, level) & (kA | kD), kA);
  EXPECT_EQ(entry_of(kHigh, 1) & (kA | kD), kA | kD);
  EXPECT_TRUE(walk(kHigh).dirty);
  found = walk(kHigh, kWrite);
  EXPECT_EQ(walker_.set_accessed_dirty(found, true), 0u);
}

TEST_F(LongWalk, TablesThatAreNotMemory) {
  entry_of(kHigh, 1) = 0x5000 | kAll;
  entry_of(kHigh, 2) = (Memory::kPages << kPageShift) | kAll;  // a device: nothing answers
  expect_fault(kHigh, kRead, 0);
  memory_.blocked = entry_of(kHigh, 3) & kFrame;
  const GuestWalk found = walk(kHigh);
  EXPECT_FALSE(found.ok);
  EXPECT_TRUE(found.blocked);
}

// A 32-bit guest's address has 32 bits, whatever stands above them.
TEST_F(LongWalk, AddressesOf32BitGuests) {
  for (bool pae : {false, true}) {
    mode_ = {.paging = true, .pse = true, .pae = pae, .wp = true};
    memory_.at(kRoot) = pae ? 0x2000 | kP : (0x80'0000 | kAll | kPs);
    memory_.at(0x2000 + 8 * 4) = 0x80'0000 | kAll | kPs;
    ASSERT_EQ(walker_.load(mode_, kRoot, Pointers::kLoad), GuestWalker::Load::kOk);
    EXPECT_EQ(walker_.walk(Gva(pae ? 0x7'0080'1234 : 0x7'0000'1234), {}).gpa.raw(), 0x80'1234u);
    EXPECT_EQ(walker_.walk(Gva(0xffff'ffff'f000'0008), {}).fault.cr2, 0xf000'0008u);
  }
}

TEST_F(LongWalk, RandomTables) {
  std::mt19937_64 random(7);
  unsigned mapped = 0;
  for (unsigned round = 0; round < 20000; ++round) {
    const uint64_t pick = random();
    mode_.nxe = pick & 1, mode_.wp = pick & 2, mode_.smep = (pick & 12) == 12, mode_.smap = (pick & 48) == 48;
    const Access access{.write = (pick >> 8 & 1) != 0,
                        .user = (pick >> 9 & 1) != 0,
                        .fetch = (pick >> 10 & 3) == 0 && !(pick >> 8 & 1),
                        .ac = (pick >> 12 & 1) != 0};
    const uint64_t gva = static_cast<uint64_t>(static_cast<int64_t>(random() << 16) >> 16);
    uint64_t w = kW, u = kU, nx = 0, table = kRoot, expected_gpa = 0;
    uint32_t code =
        (access.write ? kFw : 0) | (access.user ? kFu : 0) | (access.fetch && (mode_.nxe || mode_.smep) ? kFi : 0);
    bool ok = false;
    for (unsigned level = 4; level >= 1; --level) {
      uint64_t value = ((2 + 4 - level) << kPageShift) | kAll;
      const uint64_t dice = random();
      if (dice % 16 == 0) value &= ~kP;
      if (dice / 16 % 8 == 0) value &= ~kW;
      if (dice / 128 % 4 == 0) value &= ~kU;
      if (dice / 512 % 8 == 0) value |= kNx;
      if (level != 1 && dice / 4096 % 6 == 0) value = (value & ~kFrame) | kPs | (dice & 0xff'c000'0000);
      memory_.at(table + 8 * index(gva, level)) = value;
      if (!(value & kP)) break;
      if ((value & kNx && !mode_.nxe) || (level == 4 && (value & kPs))) {
        code |= kFp | kFr;
        break;
      }
      w &= value, u &= value, nx |= value & kNx;
      if (level == 1 || (value & kPs)) {
        const uint64_t inside = (uint64_t{1} << (12 + 9 * (level - 1))) - 1;
        expected_gpa = (value & kFrame & ~inside) | (gva & inside);
        ok = !(access.user && !u) && !(access.write && !w && (access.user || mode_.wp)) && !(access.fetch && nx) &&
             !(mode_.smep && access.fetch && !access.user && u) &&
             !(mode_.smap && !access.fetch && !access.user && u && !access.ac);
        if (!ok) code |= kFp;
        break;
      }
      table = value & kFrame;
    }
    const GuestWalk found = walk(gva, access);
    ASSERT_EQ(found.ok, ok) << std::hex << gva << " round " << std::dec << round;
    if (ok)
      ASSERT_EQ(found.gpa.raw(), expected_gpa);
    else
      ASSERT_EQ(found.fault.error_code, code);
    mapped += ok;
  }
  EXPECT_GT(mapped, 2000u);
}

}  // namespace
}  // namespace ring1::paging
