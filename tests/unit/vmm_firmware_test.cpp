// SPDX-License-Identifier: GPL-2.0-only
// The firmware tables as a guest finds them: by signature, each adding up to zero.
#include "vmm/boot/memory_map.h"
#include "vmm/firmware/tables.h"
#include "vmm_images.h"

namespace ring1::vmm::test {
namespace {

class VmmFirmware : public ::testing::Test {
 protected:
  VmmFirmware() : rsdp_(write_acpi_tables(memory_)) { write_mp_table(memory_); }

  template <class T = uint32_t>
  T get(uint64_t where) {
    return memory_.get<T>(Gpa(where));
  }
  std::string text(uint64_t where, size_t size) {
    return std::string(reinterpret_cast<const char*>(memory_.at(Gpa(where), size)), size);
  }
  uint8_t sum(uint64_t where, size_t size) {
    return static_cast<uint8_t>(-checksum(memory_.at(Gpa(where), size), size));
  }
  uint32_t table(const std::string& signature) {
    const auto rsdt = get(rsdp_.raw() + 16);
    for (uint32_t at = rsdt + 36; at < rsdt + get(rsdt + 4); at += 4)
      if (text(get(at), 4) == signature) return get(at);
    return 0;
  }

  GuestMemory memory_{2 * kMiB};
  Gpa rsdp_;
};

TEST_F(VmmFirmware, RootPointer) {
  EXPECT_EQ(rsdp_.raw() % 16, 0u);
  EXPECT_GE(rsdp_.raw(), 0xe0000u);
  EXPECT_EQ(text(rsdp_.raw(), 8), "RSD PTR ");
  EXPECT_EQ(sum(rsdp_.raw(), 20), 0);
}

TEST_F(VmmFirmware, EveryTableAddsUpToZero) {
  const uint32_t rsdt = get(rsdp_.raw() + 16), fadt = table("FACP");
  ASSERT_NE(fadt, 0u);
  for (const uint32_t where : {rsdt, fadt, table("APIC"), get(fadt + 40)}) {
    EXPECT_LT(where + get(where + 4), kHighMemory.raw());
    EXPECT_EQ(sum(where, get(where + 4)), 0) << text(where, 4);
  }
  EXPECT_EQ(text(get(fadt + 40), 4), "DSDT");
  EXPECT_EQ(text(get(fadt + 36), 4), "FACS");
  EXPECT_EQ(get(fadt + 36) % 64, 0u);
}

TEST_F(VmmFirmware, FixedHardware) {
  const uint32_t fadt = table("FACP");
  EXPECT_EQ(get(fadt + 56), 0x600u) << "PM1a event";
  EXPECT_EQ(get(fadt + 64), 0x604u) << "PM1a control";
  EXPECT_EQ(get(fadt + 76), 0x608u) << "PM timer";
  EXPECT_EQ(get<uint8_t>(fadt + 88), 4) << "length of PM1a event";
  EXPECT_EQ(get<uint8_t>(fadt + 108), 0x32) << "century";
  EXPECT_EQ(get<uint64_t>(fadt + 120), 0xcf9u) << "reset register";
  EXPECT_EQ(get<uint64_t>(fadt + 140), get(fadt + 40)) << "X_DSDT";
}

TEST_F(VmmFirmware, SleepStateOff) {
  const uint32_t dsdt = get(table("FACP") + 40);
  const uint8_t expected[] = {0x08, '\\', '_', 'S', '5', '_', 0x12, 8, 4, 0x0a, 5, 0x0a, 5, 0, 0};
  ASSERT_EQ(get(dsdt + 4), 36 + sizeof(expected));
  EXPECT_EQ(std::memcmp(memory_.at(Gpa(dsdt + 36), sizeof(expected)), expected, sizeof(expected)), 0);
}

TEST_F(VmmFirmware, MadtEntriesFillTheTable) {
  const uint32_t madt = table("APIC");
  uint32_t at = madt + 44;
  const uint32_t end = madt + get(madt + 4);
  std::vector<unsigned> types;
  while (at < end) {
    types.push_back(get<uint8_t>(at));
    ASSERT_NE(get<uint8_t>(at + 1), 0);
    at += get<uint8_t>(at + 1);
  }
  EXPECT_EQ(at, end);
  EXPECT_EQ(types, (std::vector<unsigned>{0, 1, 2, 2, 4}));
}

TEST_F(VmmFirmware, MpTable) {
  const uint64_t floating = 0xf0040;
  EXPECT_EQ(text(floating, 4), "_MP_");
  EXPECT_EQ(sum(floating, 16), 0);
  const uint32_t table = get(floating + 4);
  EXPECT_EQ(text(table, 4), "PCMP");
  const auto size = get<uint16_t>(table + 4);
  EXPECT_EQ(sum(table, size), 0);
  // Each entry is 8 bytes but the processors'.
  uint32_t at = table + 44;
  unsigned count = 0;
  for (; at < table + size; count++) at += get<uint8_t>(at) == 0 ? 20 : 8;
  EXPECT_EQ(at, table + size);
  EXPECT_EQ(count, get<uint16_t>(table + 34));
  EXPECT_EQ(count, 1u + 1 + 1 + 15 + 2);
}

TEST_F(VmmFirmware, BiosDataArea) {
  write_bios_data(memory_);
  EXPECT_EQ(get<uint16_t>(0x400), 0x3f8) << "COM1";
  EXPECT_EQ(get<uint16_t>(0x402), 0) << "no COM2";
  EXPECT_EQ(get<uint16_t>(0x413), 639) << "KiB";
  const uint32_t extended = get<uint16_t>(0x40e) * 16u;
  EXPECT_EQ(extended, 0x9fc00u);
  EXPECT_EQ(get<uint8_t>(extended), 1) << "KiB";
}

}  // namespace
}  // namespace ring1::vmm::test
