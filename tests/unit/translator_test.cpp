// SPDX-License-Identifier: GPL-2.0-only
// The rules of translator.h that golden files do not show.
#include "translator/translator.h"

#include <gtest/gtest.h>

#include <cstring>
#include <initializer_list>
#include <random>

#include "translator/shared_page.h"
#include "translator_text.h"

namespace ring1::translator::test {
namespace {

struct Unit {
  uint8_t code[Translation::kMaxCode];
  Translation translation;
  Outcome outcome;
};

void run(std::initializer_list<uint8_t> bytes, Unit* unit, unsigned max = 16, Mode mode = {}) {
  unit->translation.code = unit->code;
  const Source source{0x1000, bytes.begin(), static_cast<unsigned>(bytes.size()), max};
  unit->outcome = translate(source, mode, &unit->translation);
}

TEST(Translator, NeedsMoreBytesOnlyForTheFirstInstruction) {
  Unit unit;
  run({}, &unit);
  EXPECT_EQ(unit.outcome, Outcome::kNeedMoreBytes);
  run({0xb8, 1, 2}, &unit);
  EXPECT_EQ(unit.outcome, Outcome::kNeedMoreBytes);
  run({0x66, 0x66, 0x66}, &unit);
  EXPECT_EQ(unit.outcome, Outcome::kNeedMoreBytes);
  run({0x90, 0xb8, 1, 2}, &unit);
  ASSERT_EQ(unit.outcome, Outcome::kOk);
  EXPECT_EQ(unit.translation.guest_size, 1);
  EXPECT_EQ(unit.translation.exits[0].target_eip, 0x1001u);
}

TEST(Translator, UndefinedIsACallout) {
  Unit unit;
  run({0x0f, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, &unit);
  ASSERT_EQ(unit.outcome, Outcome::kOk);
  ASSERT_EQ(unit.translation.callout_count, 2);  // the first belongs to the entry
  EXPECT_EQ(unit.translation.exit_count, 0);
  run({0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90}, &unit);
  ASSERT_EQ(unit.outcome, Outcome::kOk);
  EXPECT_EQ(unit.translation.guest_size, 15);
  EXPECT_EQ(unit.translation.callouts[1].length, 0);
}

TEST(Translator, ShadowStaysInsideTheUnit) {
  Unit unit;
  run({0x90, 0xfb, 0x90, 0x90}, &unit, 2);  // nop; sti; nop
  EXPECT_EQ(unit.translation.instructions, 3);
  run({0x90, 0xfb, 0xfb, 0x90}, &unit, 2);  // a second STI would need a fourth
  EXPECT_EQ(unit.translation.instructions, 1);
  run({0xfb}, &unit);
  EXPECT_EQ(unit.translation.instructions, 1);
  EXPECT_EQ(unit.translation.callout_count, 2);
  EXPECT_EQ(unit.translation.exit_count, 0);
  run({0x90, 0x17, 0x5c}, &unit, 2);  // pop ss; pop esp
  EXPECT_EQ(unit.translation.instructions, 3);
}

// Any bytes in any mode give a unit whose tables agree with its code.
TEST(Translator, RandomBytesGiveConsistentUnits) {
  std::mt19937 random(1);
  uint8_t bytes[64];
  uint8_t code[Translation::kMaxCode];
  Translation unit;
  unit.code = code;
  for (unsigned round = 0; round < 20000; ++round) {
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    Mode mode;
    mode.code32 = random() & 1;
    mode.stack32 = random() & 1;
    mode.plain_flags = random() & 1;
    const Source source{static_cast<uint32_t>(random()), bytes, static_cast<unsigned>(random() % sizeof bytes),
                        static_cast<unsigned>(random() % 40)};
    if (translate(source, mode, &unit) != Outcome::kOk) continue;
    ASSERT_LE(unit.guest_size, source.available);
    ASSERT_GT(unit.map_count, 0);
    ASSERT_EQ(unit.map[0].code_offset, 0);
    for (unsigned n = 1; n < unit.map_count; ++n) ASSERT_LT(unit.map[n - 1].code_offset, unit.map[n].code_offset);
    unsigned boundaries = 0;
    for (unsigned n = 0; n < unit.map_count; ++n) boundaries += unit.map[n].boundary;
    ASSERT_EQ(boundaries, unit.instructions);
    for (unsigned n = 0; n < unit.exit_count; ++n) {
      int32_t distance;
      std::memcpy(&distance, code + unit.exits[n].patch_offset, 4);
      ASSERT_EQ(unit.exits[n].patch_offset + 4 + distance, unit.exits[n].stub_offset);
      ASSERT_EQ(code[unit.exits[n].stub_offset], 0xcd);
      ASSERT_EQ(code[unit.exits[n].stub_offset + 1], static_cast<uint8_t>(CalloutVector::kExit));
    }
    for (unsigned n = 0; n < unit.callout_count; ++n) ASSERT_EQ(code[unit.callouts[n].code_offset], 0xcd);
  }
}

// The longest sequences, as many as a unit takes.
TEST(Translator, LongestUnitFits) {
  uint8_t bytes[kMaxGuestBytes];
  uint8_t code[Translation::kMaxCode];
  Translation unit;
  unit.code = code;
  for (uint8_t fill : {0xfb, 0x9c, 0xfa, 0xf4}) {
    std::memset(bytes, fill, sizeof bytes);
    const uint8_t call[] = {0xff, 0x94, 0x81, 1, 2, 3, 4};
    std::memcpy(bytes + 23, call, sizeof call);
    ASSERT_EQ(translate(Source{0xfffffff0, bytes, sizeof bytes, 1000}, Mode{}, &unit), Outcome::kOk);
    EXPECT_LT(unit.code_size, Translation::kMaxCode - 64);
  }
}

}  // namespace
}  // namespace ring1::translator::test
