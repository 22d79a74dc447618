// SPDX-License-Identifier: GPL-2.0-only
// Linux' boot parameters, the "zero page" (Documentation/x86/boot.rst and zero-page.rst of the kernel).
#pragma once

#include <asm/bootparam.h>

#include "vmm/boot/image.h"

namespace ring1::vmm {

// The last address of an initrd where the kernel does not say: below what a 32-bit kernel maps directly.
inline constexpr uint32_t kInitrdAddressMax = 0x37ffffff;

// What the loader knows of the kernel's own place.
struct LinuxPlacement {
  uint64_t kernel_end;          // nothing may be put below it
  uint32_t command_line_limit;  // without the terminating zero
};

// The page without its setup header.
boot_params make_boot_params(uint64_t memory_size, Gpa rsdp);

// Writes the command line, the initrd and the page itself, whose setup header the caller has filled in.
void finish_boot_params(GuestMemory& memory, const BootInputs& inputs, const LinuxPlacement& placement,
                        boot_params params);

}  // namespace ring1::vmm
