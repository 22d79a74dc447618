// SPDX-License-Identifier: GPL-2.0-only
// Linux' boot parameters, from both kinds of its kernels.
#include <asm/bootparam.h>

#include "vmm/boot/memory_map.h"
#include "vmm_images.h"

namespace ring1::vmm::test {
namespace {

static_assert(sizeof(boot_params) == 4096);

boot_params params_of(const GuestMemory& memory, const StartState& state) {
  return memory.get<boot_params>(Gpa(state.esi));
}

std::string text_at(const GuestMemory& memory, uint32_t where) {
  return reinterpret_cast<const char*>(memory.at(Gpa(where), 1));
}

TEST(VmmLinuxBoot, BzImage) {
  GuestMemory memory(64 * kMiB);
  const BootInputs inputs{.kernel = make_bzimage("the payload"), .command_line = "console=ttyS0", .rsdp = Gpa(0xf0000)};
  const StartState state = load_image(memory, inputs);
  EXPECT_EQ(state.eip, 0x100000u);
  EXPECT_EQ(state.selectors.code, 0x10) << "__BOOT_CS";
  EXPECT_EQ(state.selectors.data, 0x18) << "__BOOT_DS";
  EXPECT_EQ(text_at(memory, 0x100000), "the payload");
  const boot_params params = params_of(memory, state);
  EXPECT_EQ(params.hdr.header, 0x53726448u);
  EXPECT_EQ(params.hdr.type_of_loader, 0xff);
  EXPECT_EQ(params.hdr.ramdisk_size, 0u);
  EXPECT_EQ(text_at(memory, params.hdr.cmd_line_ptr), "console=ttyS0");
  EXPECT_EQ(params.acpi_rsdp_addr, 0xf0000u);
  EXPECT_EQ(params.alt_mem_k, 63 * 1024u);
}

TEST(VmmLinuxBoot, MemoryMap) {
  GuestMemory memory(64 * kMiB);
  const BootInputs inputs{.kernel = make_bzimage("x")};
  const boot_params params = params_of(memory, load_image(memory, inputs));
  ASSERT_EQ(params.e820_entries, 4);
  uint64_t usable = 0, end = 0;
  for (int i = 0; i < params.e820_entries; i++) {
    const boot_e820_entry& entry = params.e820_table[i];
    EXPECT_GE(entry.addr, end) << "sorted and disjoint";
    end = entry.addr + entry.size;
    if (entry.type == 1) usable += entry.size;
  }
  EXPECT_EQ(end, 64 * kMiB);
  EXPECT_EQ(usable, 63 * kMiB + 0x9fc00);
}

TEST(VmmLinuxBoot, InitrdLiesHighButBelowTheKernelsLimit) {
  GuestMemory memory(1024 * kMiB);
  BootInputs inputs{.kernel = make_bzimage("x"), .initrd = Bytes(5000, 9)};
  boot_params params = params_of(memory, load_image(memory, inputs));
  EXPECT_EQ(params.hdr.ramdisk_image, 0x38000000u - 8192);
  EXPECT_EQ(params.hdr.ramdisk_size, 5000u);
  EXPECT_EQ(memory.get<uint8_t>(Gpa(params.hdr.ramdisk_image + 4999)), 9);

  GuestMemory small(20 * kMiB);
  params = params_of(small, load_image(small, inputs));
  EXPECT_EQ(params.hdr.ramdisk_image, 20 * kMiB - 8192);
}

TEST(VmmLinuxBoot, RefusesWhatDoesNotFit) {
  GuestMemory memory(18 * kMiB);
  BootInputs inputs{.kernel = make_bzimage("x"), .initrd = Bytes(kMiB + 1)};
  EXPECT_COMPLAINT("no room for the initrd", load_image(memory, inputs));
  inputs.initrd = Bytes(kMiB);
  load_image(memory, inputs);
  inputs.initrd.reset();
  inputs.command_line = std::string(64, 'x');
  load_image(memory, inputs);
  inputs.command_line += "x";
  EXPECT_COMPLAINT("65 characters, the kernel takes 64", load_image(memory, inputs));
  GuestMemory small(16 * kMiB);
  EXPECT_COMPLAINT("needs at least 17 MiB", load_image(small, inputs));
}

TEST(VmmLinuxBoot, RefusesBadBzImages) {
  GuestMemory memory(64 * kMiB);
  BootInputs inputs;
  const Bytes whole = make_bzimage(std::string(100, 'p'));
  for (size_t size : {size_t{0x206}, kBzImagePayload, kBzImagePayload + 84}) {
    inputs.kernel = Bytes(whole.begin(), whole.begin() + static_cast<long>(size));
    EXPECT_COMPLAINT("truncated", load_image(memory, inputs));
  }
  inputs.kernel = whole;
  put<uint16_t>(inputs.kernel, 0x206, 0x0203);
  EXPECT_COMPLAINT("protocol 2.03 is too old", load_image(memory, inputs));
  inputs.kernel = whole;
  put<uint8_t>(inputs.kernel, 0x211, 0);
  EXPECT_COMPLAINT("zImage", load_image(memory, inputs));
  inputs.kernel = whole;
  put<uint32_t>(inputs.kernel, 0x214, 0);
  EXPECT_COMPLAINT("must be started in real mode", load_image(memory, inputs));
  put<uint32_t>(inputs.kernel, 0x214, 0xfffff000);
  EXPECT_COMPLAINT("needs at least", load_image(memory, inputs));
}

TEST(VmmLinuxBoot, Vmlinux) {
  GuestMemory memory(64 * kMiB);
  const BootInputs inputs{
      .kernel = make_elf({.virtual_address = 0xc1000000, .entry = 0x1000010, .payload = "Linux version 6.1"}),
      .initrd = Bytes(10),
      .command_line = "quiet"};
  const StartState state = load_image(memory, inputs);
  EXPECT_EQ(state.eip, 0x1000010u);
  const boot_params params = params_of(memory, state);
  EXPECT_EQ(params.hdr.boot_flag, 0xaa55);
  EXPECT_EQ(params.hdr.ramdisk_image, 64 * kMiB - 4096);
  EXPECT_EQ(text_at(memory, params.hdr.cmd_line_ptr), "quiet");
}

}  // namespace
}  // namespace ring1::vmm::test
