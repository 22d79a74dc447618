// SPDX-License-Identifier: GPL-2.0-only
// An entry is
//   1..127            a boundary, this many bytes behind the last entry's code and behind the last guest offset, or
//   128 | Head bits, distance in the code, guest offset, and if kMoved: ecx_disp, esp_delta, eip_disp.
// A number is one byte, or 255 and two bytes.
#include "tcache/state_map.h"

namespace ring1::tcache {
namespace {

using translator::MapEntry;

constexpr unsigned kEipMask = 3;
constexpr uint8_t kBoundary = 1 << 2, kShadowed = 1 << 3, kEcxSpilled = 1 << 4, kEcxInGs = 1 << 5, kMoved = 1 << 6;
constexpr uint8_t kHead = 1 << 7, kWide = 255;

class Packer {
 public:
  explicit Packer(uint8_t* to) : to_(to) {}

  void add(const MapEntry& entry) {
    const unsigned distance = entry.code_offset - code_offset_;
    const uint8_t head = head_of(entry);
    const bool on_guest = entry.eip == MapEntry::Eip::kOffset;
    if (head == (kHead | kBoundary) && distance == unsigned{entry.guest_offset} - guest_offset_ &&
        distance - 1 < kHead - 1u) {
      byte(distance);
    } else {
      byte(head);
      number(distance);
      number(entry.guest_offset);
      if (head & kMoved) {
        byte(static_cast<uint8_t>(entry.ecx_disp));
        byte(static_cast<uint8_t>(entry.esp_delta));
        byte(static_cast<uint8_t>(entry.eip_disp));
      }
    }
    code_offset_ = entry.code_offset;
    if (on_guest) guest_offset_ = entry.guest_offset;
  }
  unsigned size() const { return size_; }

 private:
  static uint8_t head_of(const MapEntry& e) {
    const bool moved = e.ecx_disp || e.esp_delta || e.eip_disp;
    return static_cast<uint8_t>(kHead | static_cast<unsigned>(e.eip) | (e.boundary ? kBoundary : 0) |
                                (e.shadowed ? kShadowed : 0) | (e.ecx_spilled ? kEcxSpilled : 0) |
                                (e.ecx_in_gs ? kEcxInGs : 0) | (moved ? kMoved : 0));
  }
  void byte(unsigned value) { to_[size_++] = static_cast<uint8_t>(value); }
  void number(unsigned value) {
    if (value < kWide) return byte(value);
    byte(kWide);
    byte(value & 0xff);
    byte(value >> 8);
  }

  uint8_t* to_;
  unsigned size_ = 0;
  uint16_t code_offset_ = 0, guest_offset_ = 0;
};

}  // namespace

unsigned pack_map(const MapEntry* map, unsigned count, uint8_t* to) {
  Packer packer(to);
  for (unsigned i = 0; i < count; ++i) packer.add(map[i]);
  return packer.size();
}

inline uint16_t MapReader::number() {
  const uint8_t first = *at_++;
  if (first != kWide) return first;
  const auto value = static_cast<uint16_t>(at_[0] | at_[1] << 8);
  at_ += 2;
  return value;
}

bool MapReader::next(MapEntry* out) {
  if (!left_) return false;
  --left_;
  const uint8_t head = *at_++;
  *out = MapEntry{};
  if (head < kHead) {
    code_offset_ += head;
    guest_offset_ += head;
    out->boundary = true;
    out->code_offset = static_cast<uint16_t>(code_offset_);
    out->guest_offset = static_cast<uint16_t>(guest_offset_);
    return true;
  }
  out->eip = static_cast<MapEntry::Eip>(head & kEipMask);
  out->boundary = head & kBoundary;
  out->shadowed = head & kShadowed;
  out->ecx_spilled = head & kEcxSpilled;
  out->ecx_in_gs = head & kEcxInGs;
  code_offset_ += number();
  out->code_offset = static_cast<uint16_t>(code_offset_);
  out->guest_offset = number();
  if (out->eip == MapEntry::Eip::kOffset) guest_offset_ = out->guest_offset;
  if (head & kMoved) {
    out->ecx_disp = static_cast<int8_t>(at_[0]);
    out->esp_delta = static_cast<int8_t>(at_[1]);
    out->eip_disp = static_cast<int8_t>(at_[2]);
    at_ += 3;
  }
  return true;
}

// Over an entry that is known to be there.
inline void MapReader::skip() {
  --left_;
  const uint8_t head = *at_++;
  if (head < kHead) {
    code_offset_ += head;
    guest_offset_ += head;
    return;
  }
  code_offset_ += number();
  const unsigned guest_offset = number();
  if ((head & kEipMask) == static_cast<unsigned>(MapEntry::Eip::kOffset)) guest_offset_ = guest_offset;
  if (head & kMoved) at_ += 3;
}

bool MapReader::last_before(unsigned offset, MapEntry* out) {
  MapReader here = *this;
  bool found = false;
  while (here.left_) {
    const MapReader front = here;
    here.skip();
    if (here.code_offset_ > offset) break;
    *this = front;
    found = true;
  }
  return found && next(out);
}

bool MapReader::next_boundary(unsigned guest_offset, MapEntry* out) {
  while (left_) {
    if (*at_ < kHead && guest_offset_ + *at_ != guest_offset) {
      skip();
      continue;
    }
    (void)next(out);
    if (out->boundary && out->eip == MapEntry::Eip::kOffset && out->guest_offset == guest_offset) return true;
  }
  return false;
}

}  // namespace ring1::tcache
