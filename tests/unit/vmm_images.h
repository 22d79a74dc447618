// SPDX-License-Identifier: GPL-2.0-only
// Small images made by hand for the loaders' tests.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "vmm/boot/image.h"
#include "vmm/failure.h"

namespace ring1::vmm::test {

inline constexpr uint64_t kMiB = uint64_t{1} << 20;

template <class T>
void put(Bytes& bytes, size_t offset, const T& value) {
  if (bytes.size() < offset + sizeof(T)) bytes.resize(offset + sizeof(T));
  std::memcpy(bytes.data() + offset, &value, sizeof(T));
}

struct ElfShape {
  bool wide = false;     // 64-bit
  uint16_t machine = 0;  // 0: the right one
  uint64_t physical = 0x1000000;
  uint64_t virtual_address = 0x1000000;
  uint64_t entry = 0x1000010;
  uint64_t memory_size = 0x3000;
  std::string payload = "payload";
  bool pvh_note = false;
};

// One loadable segment, and the PVH note if asked for.
Bytes make_elf(const ElfShape& shape);
inline constexpr uint32_t kPvhEntry = 0x1000123;

// A bzImage whose payload is `payload`, protocol 2.15.
Bytes make_bzimage(const std::string& payload);
inline constexpr size_t kBzImagePayload = 2 * 512;

struct MultibootShape {
  uint32_t flags = 3;
  uint32_t checksum_error = 0;
  uint32_t header_address = 0, load_address = 0, load_end = 0, bss_end = 0, entry = 0;
};
// The header alone.
Bytes make_multiboot_header(const MultibootShape& shape);

// The line of the Failure that `action` throws, or "".
template <class Action>
std::string failure_of(Action action) {
  try {
    action();
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.status(), kExitUsage);
    return failure.what();
  }
  return "";
}

#define EXPECT_COMPLAINT(text, action)                                                             \
  EXPECT_NE(::ring1::vmm::test::failure_of([&] { (void)(action); }).find(text), std::string::npos) \
      << "complaint: '" << ::ring1::vmm::test::failure_of([&] { (void)(action); }) << "'"

}  // namespace ring1::vmm::test
