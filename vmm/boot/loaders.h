// SPDX-License-Identifier: GPL-2.0-only
// One loader for each kind of image.
#pragma once

#include "vmm/boot/image.h"

namespace ring1::vmm {

bool is_bzimage(std::span<const uint8_t> file);
StartState load_bzimage(GuestMemory& memory, const BootInputs& inputs);

StartState load_linux_elf(GuestMemory& memory, const BootInputs& inputs);

StartState load_pvh(GuestMemory& memory, const BootInputs& inputs);

bool has_multiboot_header(std::span<const uint8_t> file);
StartState load_multiboot(GuestMemory& memory, const BootInputs& inputs);

}  // namespace ring1::vmm
