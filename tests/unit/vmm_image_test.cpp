// SPDX-License-Identifier: GPL-2.0-only
// What kind of image a file is, and the clear line about those that are none.
#include "vmm/boot/elf_file.h"
#include "vmm/boot/memory_map.h"
#include "vmm_images.h"

namespace ring1::vmm::test {
namespace {

ImageKind detect(const Bytes& file) { return detect_image(file); }

TEST(VmmImage, DetectsByContent) {
  EXPECT_EQ(detect(make_bzimage("x")), ImageKind::bzimage);
  EXPECT_EQ(detect(make_elf({.payload = "Linux version 6.1"})), ImageKind::linux_elf);
  EXPECT_EQ(detect(make_elf({.payload = "Linux version 6.1", .pvh_note = true})), ImageKind::linux_elf);
  EXPECT_EQ(detect(make_elf({.pvh_note = true})), ImageKind::pvh_elf);
  EXPECT_EQ(detect(make_elf({.wide = true, .payload = "Linux version 6.1", .pvh_note = true})), ImageKind::pvh_elf);
  EXPECT_EQ(detect(make_multiboot_header({})), ImageKind::multiboot);
}

TEST(VmmImage, ComplainsAboutOtherFiles) {
  EXPECT_COMPLAINT("empty", detect({}));
  EXPECT_COMPLAINT("not a kernel", detect(Bytes(5000, 0x20)));
  EXPECT_COMPLAINT("not a kernel", detect({1}));
  EXPECT_COMPLAINT("compressed", detect({0x1f, 0x8b, 8, 0}));
  EXPECT_COMPLAINT("neither Linux nor multiboot", detect(make_elf({})));
  EXPECT_COMPLAINT("64-bit", detect(make_elf({.wide = true})));
  EXPECT_COMPLAINT("another processor", detect(make_elf({.machine = 40})));
  EXPECT_COMPLAINT("not a kernel", detect(make_multiboot_header({.checksum_error = 1})));
}

TEST(VmmImage, MultibootHeaderMustBeEarlyAndAligned) {
  const Bytes header = make_multiboot_header({});
  auto at = [&](size_t offset) {
    Bytes file(offset, 0);
    file.insert(file.end(), header.begin(), header.end());
    file.resize(20000);
    return file;
  };
  EXPECT_EQ(detect(at(8192 - 12)), ImageKind::multiboot);
  EXPECT_COMPLAINT("not a kernel", detect(at(8192)));
  EXPECT_COMPLAINT("not a kernel", detect(at(2)));
}

TEST(VmmImage, EveryTruncatedElfIsRefused) {
  const Bytes whole = make_elf({.payload = "Linux version 6.1", .pvh_note = true});
  for (size_t size = 1; size < whole.size(); size++) {
    const Bytes part(whole.begin(), whole.begin() + static_cast<long>(size));
    EXPECT_NE(failure_of([&] { detect(part); }), "") << size;
  }
}

TEST(VmmImage, ElfLoadsAndClearsTheRest) {
  GuestMemory memory(32 * kMiB);
  std::memset(memory.at(Gpa(0x1000000), 0x4000), 0xff, 0x4000);
  const Bytes file = make_elf({.payload = "abc"});
  EXPECT_EQ(ElfFile(file).load(memory).raw(), 0x1003000u);
  EXPECT_EQ(std::memcmp(memory.at(Gpa(0x1000000), 4), "abc\0", 4), 0);
  EXPECT_EQ(memory.get<uint8_t>(Gpa(0x1002fff)), 0);
  EXPECT_EQ(memory.get<uint8_t>(Gpa(0x1003000)), 0xff);
}

TEST(VmmImage, ElfMustFitIntoMemory) {
  GuestMemory memory(32 * kMiB);
  auto load = [&](ElfShape shape) {
    const Bytes file = make_elf(shape);
    ElfFile(file).load(memory);
  };
  EXPECT_COMPLAINT("--mem", load({.physical = 32 * kMiB}));
  EXPECT_COMPLAINT("--mem", load({.physical = 31 * kMiB, .memory_size = kMiB + 1}));
  EXPECT_COMPLAINT("--mem", load({.physical = 0xa0000}));
  EXPECT_COMPLAINT("--mem", load({.physical = 0}));
  EXPECT_COMPLAINT("--mem", load({.memory_size = 0xffffffff}));
  EXPECT_COMPLAINT("larger in the file", load({.memory_size = 3}));
  EXPECT_COMPLAINT("--mem", load({.physical = 0xf7000}));
  load({.physical = 0xff000});
  load({.physical = 31 * kMiB, .memory_size = kMiB});
}

TEST(VmmImage, FailuresNameTheKernel) {
  GuestMemory memory(32 * kMiB);
  BootInputs inputs{.kernel_name = "some-kernel", .kernel = Bytes(100, 1)};
  EXPECT_COMPLAINT("kernel some-kernel: not a kernel", load_image(memory, inputs));
  inputs.kernel = make_bzimage("x");
  inputs.modules.push_back({"m", {1}});
  EXPECT_COMPLAINT("--module is for multiboot", load_image(memory, inputs));
}

TEST(VmmImage, PvhStartInformation) {
  GuestMemory memory(32 * kMiB);
  const BootInputs inputs{.kernel = make_elf({.wide = true, .pvh_note = true}),
                          .initrd = Bytes(5000, 7),
                          .command_line = "a b",
                          .rsdp = Gpa(0xf0000)};
  const StartState state = load_image(memory, inputs);
  EXPECT_EQ(state.eip, kPvhEntry);
  EXPECT_EQ(state.selectors.code, 0x08) << "QEMU's";
  EXPECT_EQ(state.selectors.data, 0x10);
  EXPECT_EQ(memory.get<uint32_t>(Gpa(state.ebx)), 0x336ec578u);
  EXPECT_EQ(memory.get<uint32_t>(Gpa(state.ebx + 12)), 1u);
  const auto module = memory.get<uint64_t>(Gpa(state.ebx + 16));
  EXPECT_EQ(memory.get<uint64_t>(Gpa(module)), 32 * kMiB - 8192);
  EXPECT_EQ(memory.get<uint64_t>(Gpa(module + 8)), 5000u);
  EXPECT_EQ(memory.get<uint8_t>(Gpa(32 * kMiB - 8192)), 7);
  EXPECT_EQ(memory.get<uint64_t>(Gpa(state.ebx + 32)), 0xf0000u);
  EXPECT_EQ(memory.get<uint32_t>(Gpa(state.ebx + 48)), memory_map(memory.size()).size());
}

}  // namespace
}  // namespace ring1::vmm::test
