// SPDX-License-Identifier: GPL-2.0-only
// Counters in their two forms, and JSON.
#include <gtest/gtest.h>

#include "vmm/failure.h"
#include "vmm/inspect/debugfs.h"
#include "vmm/inspect/exit_table.h"
#include "vmm/json.h"
#include "vmm/kvm/binary_stats.h"
#include "vmm/kvm/variable_request.h"
#include "vmm_images.h"

namespace ring1::vmm::test {
namespace {

// The numbers of the kernel's own header, as C computes them.
static_assert(kGetSupportedCpuid == 0xc008ae05);
static_assert(kSetCpuid2 == 0x4008ae90);
static_assert(kSetMsrs == 0x4008ae89);
static_assert(kSetGsiRouting == 0x4008ae6a);

constexpr uint32_t kNameSize = 48;

Bytes binary_stats() {
  Bytes file;
  const uint32_t descriptors = 24, data = descriptors + 2 * (16 + kNameSize);
  const uint32_t header[] = {0, kNameSize, 2, 0, descriptors, data};
  put(file, 0, header);
  auto describe = [&](uint32_t number, uint16_t size, uint32_t offset, const char* name) {
    const uint32_t at = descriptors + number * (16 + kNameSize);
    put<uint16_t>(file, at + 6, size);
    put<uint32_t>(file, at + 8, offset);
    file.resize(std::max<size_t>(file.size(), at + 16 + kNameSize));
    std::memcpy(file.data() + at + 16, name, std::strlen(name));
  };
  describe(0, 1, 0, "exits");
  describe(1, 2, 8, "histogram");
  const uint64_t values[] = {7, 8, 9};
  put(file, data, values);
  return file;
}

TEST(VmmStats, BinaryFormat) {
  const Statistics statistics = parse_binary_stats(binary_stats());
  ASSERT_EQ(statistics.size(), 2u);
  EXPECT_EQ(statistics[0].name, "exits");
  EXPECT_EQ(statistics[0].values, std::vector<uint64_t>{7});
  EXPECT_EQ(statistics_json(statistics), R"({"exits": 7, "histogram": [8, 9]})");
}

TEST(VmmStats, MalformedBinaryFormat) {
  const Bytes whole = binary_stats();
  for (size_t size = 0; size < whole.size(); size++)
    EXPECT_THROW(parse_binary_stats(std::span(whole.data(), size)), Failure) << size;
}

TEST(VmmStats, ExitsSortedByTheirTime) {
  Counters counters = {{"exits", 9},
                       {"exits_port", 4},
                       {"exits_port_cycles", 100},
                       {"exits_hlt", 2},
                       {"exits_hlt_cycles", 300},
                       {"exits_msr", 0},
                       {"exits_msr_cycles", 0},
                       {"io_exits", 4}};
  const std::vector<ExitRow> rows = take_exits(counters);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].name, "hlt");
  EXPECT_EQ(rows[0].cycles, 300u);
  EXPECT_EQ(rows[1].name, "port");
  EXPECT_EQ(rows[1].count, 4u);
  EXPECT_EQ(counters, (Counters{{"exits", 9}, {"io_exits", 4}}));
  const std::string table = exit_table(rows);
  EXPECT_NE(table.find("hlt                             2                300          150   75.0%"), std::string::npos)
      << table;
  EXPECT_EQ(exit_table({}), "");
}

TEST(VmmStats, LinesOfDebugfs) {
  const GuestCounters counters = parse_counters("exits 12\npages 3\n");
  EXPECT_EQ(counters.find("exits"), 12u);
  EXPECT_EQ(counters.find("pages"), 3u);
  EXPECT_EQ(counters.find("page"), std::nullopt);
}

TEST(VmmStats, LogLinesArePrintable) {
  EXPECT_EQ(printable_lines("one\n\x1b[2Jtwo\n\xffthree"), (std::vector<std::string>{"one", ".[2Jtwo", ".three"}));
}

TEST(VmmStats, NoDirectoryMeansNoGuests) { EXPECT_TRUE(running_guests("/nonexistent").empty()); }

TEST(VmmStats, JsonQuotes) { EXPECT_EQ(json_quote("a\"b\\c\n"), R"("a\"b\\c\u000a")"); }

}  // namespace
}  // namespace ring1::vmm::test
