// SPDX-License-Identifier: GPL-2.0-only
#include "edits.h"

#include <algorithm>
#include <cstring>

namespace ring1::fuzz {

namespace {

constexpr unsigned kMostEdits = 8, kMostMoved = 64;

void put(Bytes& bytes, size_t where, uint64_t value, size_t size) {
  std::memcpy(bytes.data() + where, &value, std::min(size, bytes.size() - where));
}

void apply(Bytes& bytes, const Edit& edit) {
  if (bytes.empty()) return;
  const size_t where = edit.where % bytes.size();
  const size_t count = std::min<size_t>(edit.value % kMostMoved, bytes.size() - where);
  const auto from = bytes.begin() + static_cast<ptrdiff_t>(where), to = from + static_cast<ptrdiff_t>(count);
  switch (edit.kind) {
    case Edit::kPut1: return put(bytes, where, edit.value, 1);
    case Edit::kPut2: return put(bytes, where & ~size_t{1}, edit.value, 2);
    case Edit::kPut4: return put(bytes, where & ~size_t{3}, edit.value, 4);
    case Edit::kPut8: return put(bytes, where & ~size_t{7}, edit.value, 8);
    case Edit::kAdd4: {
      uint32_t old = 0;
      std::memcpy(&old, &*from, std::min(sizeof old, bytes.size() - where));
      return put(bytes, where, static_cast<uint32_t>(old + edit.value), sizeof old);
    }
    case Edit::kCut: return bytes.resize(where);
    case Edit::kErase: bytes.erase(from, to); return;
    case Edit::kRepeat: {
      const Bytes piece(from, to);
      bytes.insert(from, piece.begin(), piece.end());
      return;
    }
    case Edit::kKinds: return;
  }
}

}  // namespace

Edits make_edits(Random& random, size_t size) {
  Edits edits(1 + random.below(kMostEdits));
  for (Edit& edit : edits) {
    // What moves everything behind it leaves little to be found there: seldom.
    edit.kind = static_cast<Edit::Kind>(random.below(random.one_in(4) ? Edit::kKinds : Edit::kCut));
    edit.where = random.below(size);
    edit.value = random.odd_number();
  }
  return edits;
}

// Exactly as long as it is: the sanitizer knows the end of what was allocated.
Bytes edited(Bytes bytes, const Edits& edits) {
  for (const Edit& edit : edits) apply(bytes, edit);
  return Bytes(bytes.begin(), bytes.end());
}

std::string to_text(const Edit& edit) {
  static const char* const kNames[] = {"put1", "put2", "put4", "put8", "add4", "cut", "erase", "repeat"};
  char text[80];
  std::snprintf(text, sizeof text, "%s at %#llx: %#llx", kNames[edit.kind], static_cast<unsigned long long>(edit.where),
                static_cast<unsigned long long>(edit.value));
  return text;
}

}  // namespace ring1::fuzz
