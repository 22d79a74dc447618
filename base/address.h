// SPDX-License-Identifier: GPL-2.0-only
// The four address spaces of a virtual machine as four distinct types.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ring1 {

inline constexpr unsigned kPageShift = 12;
inline constexpr uint64_t kPageSize = uint64_t{1} << kPageShift;
inline constexpr uint64_t kPageMask = ~(kPageSize - 1);

// An integer that belongs to one address space; a change of space is spelled out with raw().
template <class Tag>
class Address {
 public:
  constexpr Address() = default;
  constexpr explicit Address(uint64_t value) : value_(value) {}

  constexpr uint64_t raw() const { return value_; }
  constexpr uint64_t frame() const { return value_ >> kPageShift; }
  constexpr uint64_t offset() const { return value_ & ~kPageMask; }
  constexpr Address page() const { return Address(value_ & kPageMask); }

  constexpr Address operator+(uint64_t n) const { return Address(value_ + n); }
  constexpr Address operator-(uint64_t n) const { return Address(value_ - n); }
  constexpr uint64_t operator-(Address other) const { return value_ - other.value_; }
  constexpr bool operator==(Address other) const { return value_ == other.value_; }
  constexpr bool operator!=(Address other) const { return value_ != other.value_; }
  constexpr bool operator<(Address other) const { return value_ < other.value_; }

 private:
  uint64_t value_ = 0;
};

using Gva = Address<struct GvaTag>;  // guest virtual (the manual's linear address)
using Gpa = Address<struct GpaTag>;  // guest physical
using Hpa = Address<struct HpaTag>;  // host physical
using Hva = Address<struct HvaTag>;  // host virtual, in the monitor's world

// A position in the translation cache, counted from its first byte; survives a move of the hole.
using TcOffset = Address<struct TcTag>;

}  // namespace ring1
