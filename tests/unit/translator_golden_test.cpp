// SPDX-License-Identifier: GPL-2.0-only
// Golden files: each case is a header (name, mode, guest bytes) and the translation as text. The headers are
// the input; RING1_BLESS=1 rewrites the rest.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "translator/translator.h"
#include "translator_text.h"

namespace ring1::translator::test {
namespace {

constexpr uint32_t kFirstEip = 0xc0001000;
const char kDirectory[] = "golden/translator";

struct Case {
  std::string header;  // the lines as they stand
  Mode mode;
  std::vector<uint8_t> bytes;
  unsigned max_instructions = 16;
  bool entries = false;  // shows what precedes the body, the same in each unit
};

void read_mode(const std::string& words, Case* to) {
  std::istringstream in(words);
  for (std::string word; in >> word;) {
    if (word == "code16")
      to->mode.code32 = false;
    else if (word == "stack16")
      to->mode.stack32 = false;
    else if (word == "iopl")
      to->mode.plain_flags = false;
    else if (word == "entries")
      to->entries = true;
    else if (word == "cpl3")
      to->mode.cpl = 3;
    else if (word.rfind("max=", 0) == 0)
      to->max_instructions = static_cast<unsigned>(std::stoul(word.substr(4)));
    else
      ADD_FAILURE() << "unknown mode " << word;
  }
}

// Lines of a header: "case NAME", "mode WORDS", "bytes HEX # comment"; everything else is output.
std::vector<Case> read_cases(std::istream& in, std::string* preamble) {
  std::vector<Case> cases;
  for (std::string line; std::getline(in, line);) {
    const bool opens = line.rfind("case ", 0) == 0;
    if (opens) cases.emplace_back();
    if (cases.empty()) {
      *preamble += line + "\n";
      continue;
    }
    Case& now = cases.back();
    if (line.rfind("mode ", 0) == 0) {
      read_mode(line.substr(5), &now);
    } else if (line.rfind("bytes ", 0) == 0) {
      std::istringstream bytes(line.substr(6, line.find('#') == std::string::npos ? line.npos : line.find('#') - 6));
      for (std::string byte; bytes >> byte;) now.bytes.push_back(static_cast<uint8_t>(std::stoul(byte, nullptr, 16)));
    } else if (!opens) {
      continue;
    }
    now.header += line + "\n";
  }
  return cases;
}

std::string run(const Case& one) {
  uint8_t code[Translation::kMaxCode];
  Translation unit;
  unit.code = code;
  const Source source{kFirstEip, one.bytes.data(), static_cast<unsigned>(one.bytes.size()), one.max_instructions};
  if (translate(source, one.mode, &unit) != Outcome::kOk) return "need more bytes\n";
  return "guest:\n" + disassemble_guest(one.bytes, kFirstEip, one.mode.code32, unit.guest_size) +
         describe(unit, kFirstEip, one.entries ? 0 : unit.body);
}

TEST(TranslatorGolden, Files) {
  unsigned files = 0;
  for (const auto& file : std::filesystem::directory_iterator(kDirectory)) {
    if (file.path().extension() != ".txt") continue;
    ++files;
    std::ifstream in(file.path());
    std::stringstream old;
    old << in.rdbuf();
    std::string text;
    for (const Case& one : read_cases(old, &text)) text += one.header + run(one) + "\n";
    if (std::getenv("RING1_BLESS") != nullptr)
      std::ofstream(file.path()) << text;
    else
      EXPECT_EQ(old.str(), text) << file.path() << ": RING1_BLESS=1 rewrites it";
  }
  EXPECT_GT(files, 0u);
}

}  // namespace
}  // namespace ring1::translator::test
