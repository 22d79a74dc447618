// SPDX-License-Identifier: GPL-2.0-only
// A packed map reads back entry by entry.
#include <gtest/gtest.h>

#include <random>
#include <tuple>
#include <vector>

#include "tcache/state_map.h"

namespace ring1::tcache {
namespace {

using translator::MapEntry;

auto fields(const MapEntry& e) {
  return std::tuple(e.code_offset, e.guest_offset, e.eip, e.boundary, e.shadowed, e.ecx_spilled, e.ecx_in_gs,
                    e.ecx_disp, e.esp_delta, e.eip_disp);
}

// The bytes it took.
size_t round_trip(const std::vector<MapEntry>& map) {
  const auto count = static_cast<unsigned>(map.size());
  std::vector<uint8_t> bytes(10 * count + 1, 0xee);
  const unsigned size = pack_map(map.data(), count, bytes.data());
  EXPECT_LE(size, 10 * count);
  EXPECT_EQ(bytes[size], 0xee) << "more bytes written than counted";
  bytes.resize(size);
  MapReader reader(bytes.data(), count);
  MapEntry entry;
  for (unsigned i = 0; i < count; ++i) {
    EXPECT_TRUE(reader.next(&entry));
    EXPECT_TRUE(fields(entry) == fields(map[i])) << "entry " << i;
  }
  EXPECT_FALSE(reader.next(&entry));

  for (unsigned offset = 0; count && offset <= map.back().code_offset + 1u; ++offset) {
    const MapEntry* expected = nullptr;
    for (const MapEntry& e : map)
      if (e.code_offset <= offset) expected = &e;
    EXPECT_EQ(MapReader(bytes.data(), count).last_before(offset, &entry), expected != nullptr);
    if (expected) { EXPECT_TRUE(fields(entry) == fields(*expected)) << "in force at " << offset; }
  }
  for (unsigned offset = 0; offset <= 300; ++offset) {
    const MapEntry* expected = nullptr;
    for (const MapEntry& e : map)
      if (!expected && e.boundary && e.eip == MapEntry::Eip::kOffset && e.guest_offset == offset) expected = &e;
    EXPECT_EQ(MapReader(bytes.data(), count).next_boundary(offset, &entry), expected != nullptr);
    if (expected) { EXPECT_TRUE(fields(entry) == fields(*expected)) << "boundary of " << offset; }
  }
  return size;
}

MapEntry boundary(uint16_t code_offset, uint16_t guest_offset) {
  return {.code_offset = code_offset, .guest_offset = guest_offset, .boundary = true};
}

TEST(TcacheMap, CopiedInstructionsTakeAByteEach) {
  std::vector<MapEntry> map = {boundary(23, 0)};
  for (uint16_t i = 1; i <= 15; ++i)
    map.push_back(boundary(static_cast<uint16_t>(23 + 15 * i), static_cast<uint16_t>(15 * i)));
  EXPECT_EQ(round_trip(map), 3u + 15u);
}

TEST(TcacheMap, TargetsOfExitsDoNotCountAsGuestOffsets) {
  EXPECT_EQ(
      round_trip(
          {boundary(0, 0), {.code_offset = 2, .guest_offset = 7, .eip = MapEntry::Eip::kExitTarget}, boundary(4, 4)}),
      3u + 3u + 3u);
  round_trip({boundary(0, 10), {.code_offset = 2, .guest_offset = 0, .eip = MapEntry::Eip::kAtStack}, boundary(5, 13)});
}

TEST(TcacheMap, DistancesOfAnySize) {
  for (const unsigned distance : {1u, 127u, 128u, 254u, 255u, 256u, 2047u}) {
    const auto by = static_cast<uint16_t>(distance);
    round_trip({boundary(0, 0), boundary(by, 1), boundary(static_cast<uint16_t>(2 * by), 256)});
    round_trip({boundary(0, 0), boundary(by, by)});
  }
}

TEST(TcacheMap, RandomEntries) {
  std::mt19937 random(7);
  const auto below = [&](unsigned bound) { return static_cast<unsigned>(random() % bound); };
  for (unsigned round = 0; round < 300; ++round) {
    std::vector<MapEntry> map;
    unsigned code = 0, guest = 0;
    while (map.size() < below(60)) {
      const unsigned step = below(40);
      code += step;
      guest += below(2) ? step : below(20);
      MapEntry entry = boundary(static_cast<uint16_t>(code), static_cast<uint16_t>(guest));
      if (below(3) == 0) {
        entry.eip = static_cast<MapEntry::Eip>(below(3));
        entry.boundary = below(2), entry.shadowed = below(2), entry.ecx_spilled = below(2), entry.ecx_in_gs = below(2);
        entry.ecx_disp = static_cast<int8_t>(random()), entry.esp_delta = static_cast<int8_t>(below(3));
        entry.eip_disp = static_cast<int8_t>(random());
        if (entry.eip != MapEntry::Eip::kOffset) entry.guest_offset = static_cast<uint16_t>(below(600));
      }
      map.push_back(entry);
    }
    round_trip(map);
  }
}

}  // namespace
}  // namespace ring1::tcache
