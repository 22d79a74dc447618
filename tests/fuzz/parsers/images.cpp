// SPDX-License-Identifier: GPL-2.0-only
// Kernel images of all kinds, small, and loaded as `ring1 run` does.
#include "tests/unit/vmm_images.h"

#include "format.h"

namespace ring1::fuzz {

namespace {

constexpr uint64_t kMemory = 32 * vmm::test::kMiB;

}  // namespace

Bytes make_bzimage_input(Random& random) { return vmm::test::make_bzimage(std::string(random.below(100), 'x')); }

Bytes make_elf_input(Random& random) {
  vmm::test::ElfShape shape;
  shape.pvh_note = random.one_in(2);
  shape.wide = shape.pvh_note && random.one_in(2);
  if (!shape.wide && random.one_in(2)) shape.payload = "Linux version 6.1";
  return vmm::test::make_elf(shape);
}

// With load addresses in the header, or in front of an ELF file's payload.
Bytes make_multiboot_input(Random& random) {
  vmm::test::MultibootShape shape;
  if (random.one_in(2)) {
    const Bytes header = vmm::test::make_multiboot_header(shape);
    return vmm::test::make_elf({.payload = std::string(header.begin(), header.end())});
  }
  shape.flags |= 1 << 16;
  shape.header_address = shape.load_address = shape.entry = 0x100000;
  shape.load_end = random.one_in(2) ? 0x100040 : 0;
  shape.bss_end = random.one_in(2) ? 0x102000 : 0;
  Bytes bytes = vmm::test::make_multiboot_header(shape);
  bytes.resize(64 + random.below(64));
  return bytes;
}

bool read_image(const Bytes& bytes) {
  static vmm::GuestMemory memory(kMemory);
  vmm::BootInputs inputs{.kernel_name = "k", .kernel = bytes, .command_line = "a b", .rsdp = Gpa(0xf0000)};
  // An initrd for all, modules for those that take them.
  inputs.initrd = Bytes(5000, 7);
  try {
    if (vmm::detect_named_image(inputs) == vmm::ImageKind::multiboot) inputs.modules.push_back({"m 1", Bytes(100, 1)});
    vmm::load_image(memory, inputs);
  } catch (const vmm::Failure&) {
    return false;
  }
  return true;
}

}  // namespace ring1::fuzz
