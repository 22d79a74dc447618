// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/boot/memory_map.h"
#include "vmm_images.h"

namespace ring1::vmm::test {
namespace {

constexpr uint32_t kHasAddresses = 1 << 16;

Bytes elf_with_header(ElfShape shape, const MultibootShape& header) {
  const Bytes bytes = make_multiboot_header(header);
  shape.payload.assign(bytes.begin(), bytes.end());
  return make_elf(shape);
}

struct Reader {
  const GuestMemory& memory;
  uint32_t info;
  uint32_t word(uint32_t offset) const { return memory.get<uint32_t>(Gpa(info + offset)); }
  uint32_t at(uint32_t where) const { return memory.get<uint32_t>(Gpa(where)); }
  std::string text(uint32_t where) const { return reinterpret_cast<const char*>(memory.at(Gpa(where), 1)); }
};

TEST(VmmMultiboot, ElfWithModules) {
  GuestMemory memory(32 * kMiB);
  const BootInputs inputs{
      .kernel_name = "kernel",
      .kernel = elf_with_header({.physical = kMiB, .virtual_address = kMiB, .entry = kMiB + 64}, {}),
      .command_line = "one two",
      .modules = {{"first args", Bytes(5000, 1)}, {"second", Bytes(3, 2)}}};
  const StartState state = load_image(memory, inputs);
  EXPECT_EQ(state.eax, 0x2badb002u);
  EXPECT_EQ(state.eip, kMiB + 64);
  EXPECT_EQ(state.selectors.code, 0x08) << "QEMU's";
  EXPECT_EQ(state.selectors.data, 0x10);
  const Reader info{memory, state.ebx};
  EXPECT_EQ(info.word(0) & 0x4d, 0x4du) << "memory, command line, modules, map";
  EXPECT_EQ(info.word(4), 639u);
  EXPECT_EQ(info.word(8), 31 * 1024u);
  EXPECT_EQ(info.text(info.word(16)), "kernel one two");
  ASSERT_EQ(info.word(20), 2u);
  const uint32_t modules = info.word(24);
  EXPECT_EQ(info.at(modules), kMiB + 0x3000) << "page aligned behind the kernel";
  EXPECT_EQ(info.at(modules + 4), kMiB + 0x3000 + 5000);
  EXPECT_EQ(info.text(info.at(modules + 8)), "first args");
  EXPECT_EQ(info.at(modules + 16), kMiB + 0x5000);
  EXPECT_EQ(memory.get<uint8_t>(Gpa(info.at(modules + 16))), 2);
}

TEST(VmmMultiboot, MemoryMapIsAWalkOfSizes) {
  GuestMemory memory(32 * kMiB);
  const BootInputs inputs{.kernel = elf_with_header({.physical = kMiB, .virtual_address = kMiB, .entry = kMiB}, {})};
  const Reader info{memory, load_image(memory, inputs).ebx};
  uint32_t at = info.word(48);
  const uint32_t end = at + info.word(44);
  size_t count = 0;
  for (; at < end; at += info.at(at) + 4) count++;
  EXPECT_EQ(at, end);
  EXPECT_EQ(count, memory_map(memory.size()).size());
}

TEST(VmmMultiboot, VirtualEntryBecomesPhysical) {
  GuestMemory memory(32 * kMiB);
  const BootInputs inputs{
      .kernel = elf_with_header({.physical = kMiB, .virtual_address = 0xc0100000, .entry = 0xc0100020}, {})};
  EXPECT_EQ(load_image(memory, inputs).eip, kMiB + 0x20);
}

TEST(VmmMultiboot, LoadAddressesOfTheHeader) {
  GuestMemory memory(32 * kMiB);
  Bytes file(64, 0xee);
  const Bytes header = make_multiboot_header({.flags = kHasAddresses,
                                              .header_address = 0x200020,
                                              .load_address = 0x200000,
                                              .load_end = 0,
                                              .bss_end = 0x203000,
                                              .entry = 0x200044});
  file.insert(file.end(), header.begin(), header.end());
  file.push_back(0x55);
  const BootInputs inputs{.kernel = file};
  std::memset(memory.at(Gpa(0x200000), 0x3000), 0xff, 0x3000);
  EXPECT_EQ(load_image(memory, inputs).eip, 0x200044u);
  EXPECT_EQ(memory.get<uint8_t>(Gpa(0x200000)), 0xee) << "file offset 32";
  EXPECT_EQ(memory.get<uint32_t>(Gpa(0x200020)), 0x1badb002u);
  EXPECT_EQ(memory.get<uint8_t>(Gpa(0x200040)), 0x55);
  EXPECT_EQ(memory.get<uint8_t>(Gpa(0x202fff)), 0);
}

TEST(VmmMultiboot, KernelInLowMemoryKeepsItsPlace) {
  GuestMemory memory(32 * kMiB);
  const BootInputs inputs{.kernel =
                              elf_with_header({.physical = 0x10000, .virtual_address = 0x10000, .entry = 0x10000}, {})};
  const StartState state = load_image(memory, inputs);
  EXPECT_GE(state.ebx, kMiB);
  EXPECT_EQ(memory.get<uint32_t>(Gpa(0x10000)), 0x1badb002u);
}

TEST(VmmMultiboot, RefusesBadHeaders) {
  GuestMemory memory(32 * kMiB);
  auto load = [&](const MultibootShape& shape) { load_image(memory, {.kernel = make_multiboot_header(shape)}); };
  EXPECT_COMPLAINT("unknown features 0x8", load({.flags = 8}));
  EXPECT_COMPLAINT("no ELF file", load({.flags = 0}));
  EXPECT_COMPLAINT("outside the file",
                   load({.flags = kHasAddresses, .header_address = 0x200020, .load_address = 0x200000}));
  EXPECT_COMPLAINT("outside the file",
                   load({.flags = kHasAddresses, .header_address = 0x100000, .load_address = 0x200000}));
  MultibootShape good{.flags = kHasAddresses, .header_address = 0x200000, .load_address = 0x200000};
  load(good);
  MultibootShape bad = good;
  bad.load_end = 0x200021;
  EXPECT_COMPLAINT("shorter", load(bad));
  bad.load_end = 0x1ff000;
  EXPECT_COMPLAINT("contradict", load(bad));
  bad = good;
  bad.bss_end = 0xfffff000;
  EXPECT_COMPLAINT("--mem", load(bad));
  bad = good;
  bad.header_address = bad.load_address = 0xf0000;
  EXPECT_COMPLAINT("--mem", load(bad));
}

TEST(VmmMultiboot, ModulesMustFit) {
  GuestMemory memory(4 * kMiB);
  const BootInputs inputs{.kernel = elf_with_header({.physical = kMiB, .virtual_address = kMiB, .entry = kMiB}, {}),
                          .modules = {{"m", Bytes(3 * kMiB)}}};
  EXPECT_COMPLAINT("--mem", load_image(memory, inputs));
}

}  // namespace
}  // namespace ring1::vmm::test
