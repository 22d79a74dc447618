// SPDX-License-Identifier: GPL-2.0-only
// The guest's RAM: one anonymous mapping of ours, guest physical addresses from 0 on.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include "base/address.h"

namespace ring1::vmm {

class GuestMemory {
 public:
  explicit GuestMemory(uint64_t size);
  ~GuestMemory();
  GuestMemory(const GuestMemory&) = delete;
  GuestMemory& operator=(const GuestMemory&) = delete;

  uint64_t size() const { return size_; }
  uint8_t* base() const { return base_; }
  bool contains(Gpa where, uint64_t size) const { return where.raw() <= size_ && size <= size_ - where.raw(); }

  // All of them throw a Failure when the range is not RAM.
  uint8_t* at(Gpa where, uint64_t size) const;
  void write(Gpa where, std::span<const uint8_t> bytes);
  void write_string(Gpa where, std::string_view text);  // with its terminating zero
  void zero(Gpa where, uint64_t size);

  template <class T>
  void put(Gpa where, const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    std::memcpy(at(where, sizeof(T)), &value, sizeof(T));
  }
  template <class T>
  T get(Gpa where) const {
    static_assert(std::is_trivially_copyable_v<T>);
    T value;
    std::memcpy(&value, at(where, sizeof(T)), sizeof(T));
    return value;
  }

 private:
  uint64_t size_;
  uint8_t* base_;
};

}  // namespace ring1::vmm
