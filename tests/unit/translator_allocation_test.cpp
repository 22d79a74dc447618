// SPDX-License-Identifier: GPL-2.0-only
// The monitor has no heap: a translation must not allocate, and must leave the slack of its buffer alone.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

#include "translator/translator.h"

extern "C" {
void* __libc_malloc(size_t bytes);
void* __libc_realloc(void* block, size_t bytes);

static thread_local bool forbidden = false;

// asmjit allocates with these two only.
void* malloc(size_t bytes) {
  if (forbidden) std::abort();
  return __libc_malloc(bytes);
}

void* realloc(void* block, size_t bytes) {
  if (forbidden) std::abort();
  return __libc_realloc(block, bytes);
}
}

namespace ring1::translator::test {
namespace {

TEST(TranslatorAllocation, None) {
  uint8_t bytes[kMaxGuestBytes];
  uint8_t code[Translation::kMaxCode];
  Translation unit;
  unit.code = code;
  // STI needs most labels; an indirect call most of everything else.
  for (uint8_t fill : {0x90, 0xfb, 0x9c}) {
    std::memset(bytes, fill, sizeof bytes);
    const uint8_t call[] = {0xff, 0x94, 0x81, 1, 2, 3, 4};
    std::memcpy(bytes + 23, call, sizeof call);
    forbidden = true;
    const Outcome outcome = translate(Source{0x1000, bytes, sizeof bytes, 1000}, Mode{}, &unit);
    forbidden = false;
    EXPECT_EQ(outcome, Outcome::kOk);
    EXPECT_GE(unit.instructions, 24);
  }
}

}  // namespace
}  // namespace ring1::translator::test
