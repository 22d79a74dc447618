// SPDX-License-Identifier: GPL-2.0-only
// Changes of a valid input, as a list, so that one can be left out to see whether it matters.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/fuzz/random.h"

namespace ring1::fuzz {

using Bytes = std::vector<uint8_t>;

struct Edit {
  enum Kind { kPut1, kPut2, kPut4, kPut8, kAdd4, kCut, kErase, kRepeat, kKinds } kind;
  uint64_t where;  // within whatever is there when its turn comes
  uint64_t value;
};

using Edits = std::vector<Edit>;

Edits make_edits(Random& random, size_t size);
Bytes edited(Bytes bytes, const Edits& edits);
std::string to_text(const Edit& edit);

}  // namespace ring1::fuzz
