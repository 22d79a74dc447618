// SPDX-License-Identifier: GPL-2.0-only
#include "vmm/boot/image.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "vmm/boot/elf_file.h"
#include "vmm/boot/loaders.h"
#include "vmm/failure.h"

namespace ring1::vmm {

namespace {

bool starts_with(std::span<const uint8_t> file, std::string_view magic) {
  return file.size() >= magic.size() && std::equal(magic.begin(), magic.end(), file.begin(),
                                                   [](char a, uint8_t b) { return static_cast<uint8_t>(a) == b; });
}

// Every Linux kernel carries this line in its read-only data.
bool holds_linux_banner(std::span<const uint8_t> file) {
  constexpr std::string_view kBanner = "Linux version ";
  return std::search(file.begin(), file.end(), kBanner.begin(), kBanner.end()) != file.end();
}

ImageKind detect_elf(std::span<const uint8_t> file) {
  const ElfFile elf(file);
  if (!elf.is_64bit() && holds_linux_banner(file)) return ImageKind::linux_elf;
  if (elf.pvh_entry()) return ImageKind::pvh_elf;
  if (elf.is_64bit()) throw usage_failure("a 64-bit ELF file without a PVH entry note");
  throw usage_failure("an ELF file, but neither Linux nor multiboot nor with a PVH entry note");
}

}  // namespace

ImageKind detect_image(std::span<const uint8_t> file) {
  if (file.empty()) throw usage_failure("the file is empty");
  if (is_bzimage(file)) return ImageKind::bzimage;
  if (has_multiboot_header(file)) return ImageKind::multiboot;
  if (starts_with(file,
                  "\x7f"
                  "ELF"))
    return detect_elf(file);
  if (starts_with(file, "\x1f\x8b") ||
      starts_with(file,
                  "\xfd"
                  "7zXZ") ||
      starts_with(file, "\x28\xb5\x2f\xfd"))
    throw usage_failure("a compressed file; unpack it first");
  throw usage_failure("not a kernel: no bzImage, no ELF file, no multiboot header");
}

namespace {

Failure with_name(const BootInputs& inputs, const Failure& failure) {
  return Failure(failure.status(), "kernel " + inputs.kernel_name + ": " + failure.what());
}

}  // namespace

ImageKind detect_named_image(const BootInputs& inputs) {
  try {
    return detect_image(inputs.kernel);
  } catch (const Failure& failure) { throw with_name(inputs, failure); }
}

StartState load_image(GuestMemory& memory, const BootInputs& inputs) {
  const ImageKind kind = detect_named_image(inputs);
  try {
    if (kind != ImageKind::multiboot && !inputs.modules.empty())
      throw usage_failure("--module is for multiboot images only; use --initrd");
    switch (kind) {
      case ImageKind::bzimage: return load_bzimage(memory, inputs);
      case ImageKind::linux_elf: return load_linux_elf(memory, inputs);
      case ImageKind::pvh_elf: return load_pvh(memory, inputs);
      case ImageKind::multiboot: return load_multiboot(memory, inputs);
    }
  } catch (const Failure& failure) { throw with_name(inputs, failure); }
  throw usage_failure("unknown kind of image");
}

}  // namespace ring1::vmm
