// SPDX-License-Identifier: GPL-2.0-only
#include <gtest/gtest.h>

#include <set>

#include "hwaccel/vmx/field.h"

namespace ring1::hwaccel::vmx {
namespace {

struct Row {
  Field field;
  const char* name;
  Width width;
  Area area;
};

const Row kRows[] = {
#define X(name, width, area, index) {Field::k##name, #name, Width::width, Area::area},
    RING1_VMCS_FIELDS(X)
#undef X
};

TEST(VmcsField, EncodingsAreDistinctAndTellWidthAndArea) {
  std::set<uint32_t> seen;
  for (const Row& row : kRows) {
    const uint32_t encoding = static_cast<uint32_t>(row.field);
    EXPECT_TRUE(seen.insert(encoding).second) << row.name;
    EXPECT_EQ(width_of(row.field), row.width) << row.name;
    EXPECT_EQ(area_of(row.field), row.area) << row.name;
    // Bit 0 (high half), bit 12 and the bits from 15 on are 0 (SDM 3C 25.11.2).
    EXPECT_EQ(encoding & 0xffff9001, 0u) << row.name;
    EXPECT_EQ(encode(row.width, row.area, index_of(row.field)), encoding) << row.name;
  }
}

// Host fields and guest fields of the same name have the same index within their width, as the manual's tables show.
TEST(VmcsField, SegmentFieldsFollowTheOrderOfSegmentRegisters) {
  EXPECT_EQ(nth(Field::kGuestEsSelector, 5), Field::kGuestGsSelector);
  EXPECT_EQ(nth(Field::kGuestEsSelector, 7), Field::kGuestTrSelector);
  EXPECT_EQ(nth(Field::kGuestEsLimit, 6), Field::kGuestLdtrLimit);
  EXPECT_EQ(nth(Field::kGuestEsAccess, 7), Field::kGuestTrAccess);
  EXPECT_EQ(nth(Field::kGuestEsBase, 7), Field::kGuestTrBase);
  EXPECT_EQ(nth(Field::kGuestPdpte0, 3), Field::kGuestPdpte3);
}

}  // namespace
}  // namespace ring1::hwaccel::vmx
