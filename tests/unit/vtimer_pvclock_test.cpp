// SPDX-License-Identifier: GPL-2.0-only
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <optional>
#include <random>
#include <vector>

#include "vtimer/clock.h"
#include "vtimer/pvclock.h"

namespace ring1::vtimer {
namespace {

constexpr uint32_t kFrequencies[] = {1,       3,       1000,    499999,    500000,      500001,     999999,
                                     1000000, 1000001, 1193182, 1999999,   2000000,     2000001,    2294609,
                                     3600000, 4000000, 5000001, 999999999, 2147483648u, 4294967295u};

// Guest memory from 0x1000 on, and what a reader would think of it after each write.
class Memory final : public PvMemory {
 public:
  static constexpr uint64_t kBase = 0x1000, kSize = 0x1000;

  bool read_physical(Gpa from, void* to, unsigned size) override {
    if (!covers(from, size)) return false;
    std::memcpy(to, at(from), size);
    return true;
  }
  bool write_physical(Gpa to, const void* from, unsigned size) override {
    if (read_only || !covers(to, size)) return false;
    std::memcpy(at(to), from, size);
    if (version) versions.push_back(get<uint32_t>(*version)), images.push_back(bytes);
    return true;
  }
  bool covers(Gpa gpa, unsigned size) const {
    return gpa.raw() >= kBase && gpa.raw() <= kBase + kSize && kBase + kSize - gpa.raw() >= size;
  }
  uint8_t* at(Gpa gpa) { return bytes.data() + (gpa.raw() - kBase); }
  template <class T>
  T get(uint64_t gpa) {
    T value;
    std::memcpy(&value, at(Gpa(gpa)), sizeof value);
    return value;
  }
  template <class T>
  void put(uint64_t gpa, T value) {
    std::memcpy(at(Gpa(gpa)), &value, sizeof value);
  }

  std::vector<uint8_t> bytes = std::vector<uint8_t>(kSize);
  bool read_only = false;
  std::optional<uint64_t> version;  // the address of one, to be watched
  std::vector<uint32_t> versions;
  std::vector<std::vector<uint8_t>> images;
};

PvclockTime time_at(uint64_t tsc, uint64_t ns, uint32_t khz) {
  return {.tsc = tsc, .ns = ns, .scale = PvclockScale::of(khz), .tsc_stable = true, .stopped = false};
}

// How a guest reads the clock.
uint64_t guest_ns(Memory& memory, uint64_t where, uint64_t tsc) {
  const auto shift = memory.get<int8_t>(where + 28);
  uint64_t delta = tsc - memory.get<uint64_t>(where + 8);
  delta = shift < 0 ? delta >> -shift : delta << shift;
  return memory.get<uint64_t>(where + 16) +
         static_cast<uint64_t>(static_cast<unsigned __int128>(delta) * memory.get<uint32_t>(where + 24) >> 32);
}

TEST(VtimerPvclock, ScaleAgreesWithExactArithmetic) {
  std::mt19937_64 random(1);
  std::vector<uint32_t> all(std::begin(kFrequencies), std::end(kFrequencies));
  for (int i = 0; i < 2000; ++i) all.push_back(static_cast<uint32_t>(random() >> (32 + random() % 24)) | 1);
  for (const uint32_t khz : all) {
    const PvclockScale scale = PvclockScale::of(khz);
    EXPECT_GE(scale.multiplier, 1u << 31) << khz;
    for (int i = 0; i < 100; ++i) {
      // The product must stay below 2^64 before it is divided, as the guest computes it in 64 bits and 32.
      const uint64_t count = random() >> (24 + random() % 40);
      if (scale.shift > 0 && count >> (64 - scale.shift)) continue;
      const auto exact = static_cast<uint64_t>(static_cast<unsigned __int128>(count) * 1000000 / khz);
      const uint64_t ns = scale.ns(count);
      // Short by one part in 2^31 at most, and by what the shift to the right has dropped; never ahead.
      const uint64_t dropped = scale.shift < 0 ? ((uint64_t{1} << -scale.shift) - 1) * 1000000 / khz + 1 : 0;
      EXPECT_LE(ns, exact) << khz << " kHz, " << count;
      EXPECT_LE(exact - ns, (exact >> 31) + dropped + 2) << khz << " kHz, " << count;
    }
  }
}

// Linux takes its TSC's frequency from the two numbers (pvclock_tsc_khz).
TEST(VtimerPvclock, GuestFindsTheFrequency) {
  for (const uint32_t khz : kFrequencies) {
    if (khz < 1000) continue;
    const PvclockScale scale = PvclockScale::of(khz);
    uint64_t found = (uint64_t{1000000} << 32) / scale.multiplier;
    found = scale.shift < 0 ? found << -scale.shift : found >> scale.shift;
    EXPECT_NEAR(static_cast<double>(found), khz, 1 + khz / 1e6) << khz;
  }
}

// However often the record is written anew from the exact clock: the guest's clock never goes back.
TEST(VtimerPvclock, NeverBackwards) {
  std::mt19937_64 random(2);
  for (const uint32_t khz : kFrequencies) {
    if (khz < 1000) continue;
    Clock clock;
    Memory memory;
    uint64_t tsc = random() >> 8, last = 0;
    clock.start(khz, tsc, 5);
    ASSERT_TRUE(publish(memory, Gpa(0x1100), time_at(tsc, clock.ns(tsc), khz)));
    for (int i = 0; i < 2000; ++i) {
      const uint64_t ns = guest_ns(memory, 0x1100, tsc);
      EXPECT_GE(ns, last) << khz;
      EXPECT_LE(ns, clock.ns(tsc)) << khz;
      last = ns;
      if (random() % 4 == 0) {
        ASSERT_TRUE(publish(memory, Gpa(0x1100), time_at(tsc, clock.ns(tsc), khz)));
        continue;
      }
      tsc += random() >> (24 + random() % 40);
    }
  }
}

// Where virtual time stands, TSC and clock stand alike: the record stays true without being written.
TEST(VtimerPvclock, HoldsWhileTimeStands) {
  constexpr uint32_t kKhz = 2294609;
  Clock clock;
  Memory memory;
  uint64_t host = 1000000, offset = 77;
  clock.start(kKhz, host);
  ASSERT_TRUE(publish(memory, Gpa(0x1000), time_at(host + offset, clock.ns(host), kKhz)));
  for (int i = 0; i < 100; ++i) {
    host += 123456789;
    const uint64_t stood = 987654 * i;
    host += stood, clock.skip(stood), offset -= stood;
    EXPECT_NEAR(static_cast<double>(guest_ns(memory, 0x1000, host + offset)), static_cast<double>(clock.ns(host)), 30);
  }
}

// Every state in which anything but the version differs from before and after has an odd version.
TEST(VtimerPvclock, VersionIsOddWhileTheRecordChanges) {
  struct Case {
    uint64_t version;  // its place
    unsigned record;   // the record's size, from 0x1040 on
    std::function<bool(Memory&)> change;
  };
  const Case cases[] = {
      {0x1040, 32, [](Memory& memory) { return publish(memory, Gpa(0x1040), time_at(~uint64_t{0} / 3, 12345, 3000)); }},
      {0x1040, 12,
       [](Memory& memory) {
         return publish(memory, Gpa(0x1040), PvclockWall{0x55555555, 0x11111111});
       }},
      {0x1048, 64, [](Memory& memory) { return add_stolen(memory, Gpa(0x1040), 0x123456789abc); }},
  };
  for (const Case& one : cases) {
    for (const uint32_t start : {0u, 1u, 6u, 7u, 0xfffffffeu, 0xffffffffu}) {
      Memory memory;
      memory.version = one.version;
      memory.put(one.version, start);
      const auto before = memory.bytes;
      ASSERT_TRUE(one.change(memory));
      ASSERT_GE(memory.versions.size(), 3u);
      const uint32_t end = memory.versions.back();
      EXPECT_EQ(end % 2, 0u);
      EXPECT_NE(end, start);
      EXPECT_LE(end - start, 3u) << "it goes on from what was there";
      for (size_t i = 0; i + 1 < memory.versions.size(); ++i) EXPECT_EQ(memory.versions[i] % 2, 1u);
      // Nothing outside the record.
      for (size_t i = 0; i < Memory::kSize; ++i)
        if (i < 0x40 || i >= 0x40 + one.record) { EXPECT_EQ(memory.bytes[i], before[i]) << i; }
    }
  }
}

TEST(VtimerPvclock, FlagsOfTheRecord) {
  Memory memory;
  PvclockTime time = time_at(1, 2, 1000000);
  ASSERT_TRUE(publish(memory, Gpa(0x1000), time));
  EXPECT_EQ(memory.get<uint8_t>(0x101d), 1);
  time.stopped = true;
  time.tsc_stable = false;
  ASSERT_TRUE(publish(memory, Gpa(0x1000), time));
  EXPECT_EQ(memory.get<uint8_t>(0x101d), 2);
  time.stopped = false;
  ASSERT_TRUE(publish(memory, Gpa(0x1000), time));
  EXPECT_EQ(memory.get<uint8_t>(0x101d), 2) << "the guest has not read it yet";
  memory.put<uint8_t>(0x101d, 0);
  ASSERT_TRUE(publish(memory, Gpa(0x1000), time));
  EXPECT_EQ(memory.get<uint8_t>(0x101d), 0);
}

TEST(VtimerPvclock, StolenTimeAddsUp) {
  Memory memory;
  memory.put<uint64_t>(0x1000, 1000);
  ASSERT_TRUE(add_stolen(memory, Gpa(0x1000), 0));
  EXPECT_EQ(memory.get<uint64_t>(0x1000), 1000u);
  ASSERT_TRUE(add_stolen(memory, Gpa(0x1000), 234));
  ASSERT_TRUE(add_stolen(memory, Gpa(0x1000), uint64_t{1} << 40));
  EXPECT_EQ(memory.get<uint64_t>(0x1000), 1234 + (uint64_t{1} << 40));
}

// A guest may name any address.
TEST(VtimerPvclock, WhereThereIsNoMemory) {
  for (const uint64_t where : {uint64_t{0}, uint64_t{0xff0}, uint64_t{0x1ff0}, uint64_t{0x2000}, uint64_t{0x1ffd},
                               ~uint64_t{0}, ~uint64_t{31}}) {
    Memory memory;
    EXPECT_FALSE(publish(memory, Gpa(where), time_at(1, 2, 3000))) << where;
    if (memory.covers(Gpa(where), 4)) { EXPECT_EQ(memory.get<uint32_t>(where) % 2, 0u) << "nobody waits for ever"; }
  }
  for (const uint64_t where : {uint64_t{0}, uint64_t{0xfc0}, uint64_t{0x2000}, ~uint64_t{63}}) {
    Memory memory;
    EXPECT_FALSE(add_stolen(memory, Gpa(where), 1)) << where;
  }
  Memory memory;
  memory.read_only = true;
  const auto before = memory.bytes;
  EXPECT_FALSE(publish(memory, Gpa(0x1000), time_at(1, 2, 3000)));
  EXPECT_FALSE(publish(memory, Gpa(0x1000), PvclockWall{1, 2}));
  EXPECT_FALSE(add_stolen(memory, Gpa(0x1000), 1));
  EXPECT_EQ(memory.bytes, before);
}

}  // namespace
}  // namespace ring1::vtimer
