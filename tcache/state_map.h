// SPDX-License-Identifier: GPL-2.0-only
// A fragment's map (translator::MapEntry), packed. Most entries are the boundaries of copied instructions, which go on
// as far in the code as in the guest's: a byte each instead of twelve. It is read from its start, and seldom: when
// translated code stops.
#pragma once

#include <cstdint>

#include "translator/translation.h"

namespace ring1::tcache {

inline constexpr unsigned kMaxPackedMapBytes = 10 * translator::Translation::kMaxMap;

// `map`: in the order of code offsets. Returns the number of bytes written, at most 10 for each entry.
unsigned pack_map(const translator::MapEntry* map, unsigned count, uint8_t* to);

class MapReader {
 public:
  MapReader(const uint8_t* bytes, unsigned count) : at_(bytes), left_(count) {}
  // false: there are no more.
  bool next(translator::MapEntry* out);

  // The last entry whose code is at or before `offset`, of those that are left. false: none.
  bool last_before(unsigned offset, translator::MapEntry* out);
  // The next boundary of the instruction at `guest_offset`. false: none.
  bool next_boundary(unsigned guest_offset, translator::MapEntry* out);

 private:
  uint16_t number();
  void skip();

  const uint8_t* at_;
  unsigned left_;
  unsigned code_offset_ = 0, guest_offset_ = 0;  // behind which the next entry lies
};

}  // namespace ring1::tcache
