// SPDX-License-Identifier: GPL-2.0-only
// A fragment's map (translator::MapEntry), packed. Most entries are the boundaries of copied instructions, which go on as
// far in the code as in the guest's: a byte each instead of twelve. It is read from its start, and seldom: when translated
// code stops.
#pragma once

#include <cstdint>

#include "translator/translation.h"

namespace ring1::tcache {

// Bytes that pack_map() will write.
[[nodiscard]] unsigned packed_map_bytes(const translator::MapEntry* map, unsigned count);
// `map`: in the order of code offsets.
void pack_map(const translator::MapEntry* map, unsigned count, uint8_t* to);

class MapReader {
 public:
  MapReader(const uint8_t* bytes, unsigned count) : at_(bytes), left_(count) {}
  // false: there are no more.
  bool next(translator::MapEntry* out);

 private:
  uint16_t number();

  const uint8_t* at_;
  unsigned left_;
  uint16_t code_offset_ = 0, guest_offset_ = 0;
};

}  // namespace ring1::tcache
