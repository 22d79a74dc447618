// SPDX-License-Identifier: GPL-2.0-only
// Kernel images: what kind one is, and how it gets into guest memory.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "vmm/file.h"
#include "vmm/memory/guest_memory.h"

namespace ring1::vmm {

enum class ImageKind {
  bzimage,    // Linux, 32-bit boot protocol
  linux_elf,  // uncompressed 32-bit Linux, entered like the bzImage's payload
  pvh_elf,    // any ELF with the note of the PVH boot convention
  multiboot,  // multiboot 1, ELF or with load addresses in its header
};

struct BootModule {
  std::string name;  // file name and arguments, as the guest sees it
  Bytes bytes;
};

struct BootInputs {
  std::string kernel_name;
  Bytes kernel;
  std::optional<Bytes> initrd;
  std::string command_line;
  std::vector<BootModule> modules;
  Gpa rsdp;
};

// Registers at the first instruction: 32-bit protected mode, flat segments, paging and interrupts off. The selectors
// are those with which QEMU starts such a kernel; Linux demands its own (Documentation/x86/boot.rst: __BOOT_CS,
// __BOOT_DS).
struct StartSelectors {
  uint16_t code, data;
};
inline constexpr StartSelectors kLinuxSelectors{0x10, 0x18}, kOtherSelectors{0x08, 0x10};

struct StartState {
  uint32_t eip = 0;
  uint32_t eax = 0;
  uint32_t ebx = 0;
  uint32_t esi = 0;
  StartSelectors selectors = kLinuxSelectors;
};

// By content alone. Throws a Failure that says why the file cannot be booted.
ImageKind detect_image(std::span<const uint8_t> file);

// The same, and a Failure names the kernel.
ImageKind detect_named_image(const BootInputs& inputs);

// Detects, checks and loads; every Failure names the kernel.
StartState load_image(GuestMemory& memory, const BootInputs& inputs);

}  // namespace ring1::vmm
