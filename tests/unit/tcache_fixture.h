// SPDX-License-Identifier: GPL-2.0-only
// A translation cache over arrays, with units made up for the test.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "tcache/translation_cache.h"

namespace ring1::tcache {

class FakeAllocator : public Allocator {
 public:
  size_t limit = SIZE_MAX;
  size_t used = 0;

  void* allocate_page() override {
    if (used >= limit) return nullptr;
    ++used;
    void* page = std::aligned_alloc(kPageSize, kPageSize);
    std::memset(page, 0, kPageSize);
    return page;
  }
  void release_page(void* page) override {
    --used;
    std::memset(page, 0xee, kPageSize);
    std::free(page);
  }
};

class FakeEnvironment : public Environment {
 public:
  using Bytes = std::vector<uint8_t>;
  std::map<unsigned, Bytes> code, table;  // scattered on purpose
  std::set<unsigned> accessed;
  std::set<uint64_t> traced;
  unsigned page_limit = ~0u;

  bool code_page(unsigned index, void** writable) override {
    if (code.size() >= page_limit) return false;
    EXPECT_FALSE(code.count(index));
    code[index] = Bytes(kPageSize, 0xcc);
    *writable = code[index].data();
    return true;
  }
  bool return_table_page(unsigned index, void** writable) override {
    table[index] = Bytes(kPageSize, 0);
    *writable = table[index].data();
    return true;
  }
  bool test_and_clear_accessed(unsigned index) override {
    EXPECT_TRUE(code.count(index));
    return accessed.erase(index) != 0;
  }
  void code_page_gained(Gpa page) override { EXPECT_TRUE(traced.insert(page.raw()).second); }
  void code_page_lost(Gpa page) override { EXPECT_EQ(traced.erase(page.raw()), 1u); }

  uint8_t byte(uint32_t offset) { return code.at(offset / kPageSize).at(offset % kPageSize); }
  uint32_t dword(uint32_t offset) {
    return byte(offset) | byte(offset + 1) << 8 | byte(offset + 2) << 16 | uint32_t{byte(offset + 3)} << 24;
  }
  uint32_t entry(uint32_t eip) {
    const uint32_t index = eip % 65536;
    uint32_t value;
    std::memcpy(&value, &table.at(index / 1024)[index % 1024 * 4], 4);
    return value;
  }
};

// A unit of `size` code bytes: indirect entry at 0, call entry at 4, body at 8; from 16 on one JMP rel32 for each
// exit, and behind them their stubs.
struct Unit {
  Translation unit;
  std::vector<uint8_t> code;

  explicit Unit(unsigned size = 64, std::vector<uint32_t> targets = {}, unsigned guest_size = 4) {
    code.assign(size, 0x90);
    unit.code = code.data();
    unit.code_size = static_cast<uint16_t>(size);
    unit.guest_size = static_cast<uint16_t>(guest_size);
    unit.instructions = 2;
    unit.call_entry = 4;
    unit.body = 8;
    for (uint32_t target : targets) {
      const unsigned i = unit.exit_count++;
      const auto at = static_cast<uint16_t>(16 + 5 * i);
      const auto stub = static_cast<uint16_t>(16 + 5 * targets.size() + 2 * i);
      unit.exits[i] = {static_cast<uint16_t>(at + 1), stub, target, false};
      code[at] = 0xe9;
      const uint32_t displacement = stub - (at + 5u);
      std::memcpy(&code[at + 1], &displacement, 4);
      code[stub] = 0xcd;
      code[stub + 1] = 22;
    }
    unit.map[0] = {.code_offset = 0, .guest_offset = 0};
    unit.map[1] = {.code_offset = 8, .guest_offset = 0, .boundary = true};
    unit.map[2] = {.code_offset = 12, .guest_offset = 2, .boundary = true};
    unit.map_count = 3;
  }
};

// Identity mapped, no paging.
inline MappedPage flat(uint64_t address) {
  MappedPage page;
  page.gva = Gva(address).page();
  page.gpa = Gpa(address).page();
  return page;
}

class TcacheTest : public ::testing::Test {
 protected:
  static constexpr uint32_t kBase = 0xe0000000;

  explicit TcacheTest(uint32_t size = 65536) { start(size); }
  void start(uint32_t size) {
    cache.reset();
    environment = {};
    cache = std::make_unique<TranslationCache>(Region{size, kBase}, allocator, environment);
    ASSERT_TRUE(cache->init());
  }
  ~TcacheTest() override {
    cache.reset();
    EXPECT_EQ(allocator.used, 0u);
  }

  Fragment* add(uint32_t eip, const Unit& unit = Unit()) {
    const MappedPage pages[2] = {flat(eip), flat((eip & ~0xfffu) + 0x1000)};
    const bool two = (eip & 0xfff) + unit.unit.guest_size > 0x1000;
    return cache->insert(eip, Mode{}, unit.unit, pages, two ? 2 : 1);
  }
  Fragment* get(uint32_t eip) { return cache->lookup(eip, Mode{}); }

  FakeAllocator allocator;
  FakeEnvironment environment;
  std::unique_ptr<TranslationCache> cache;
};

}  // namespace ring1::tcache
