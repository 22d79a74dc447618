// SPDX-License-Identifier: GPL-2.0-only
// An uncompressed 32-bit Linux: the same convention as behind a bzImage's decompressor. Its ELF entry is a
// physical address, and ESI points at the boot parameters.
#include "vmm/boot/elf_file.h"
#include "vmm/boot/linux_params.h"
#include "vmm/boot/loaders.h"
#include "vmm/boot/memory_map.h"

namespace ring1::vmm {

namespace {

constexpr uint16_t kBootFlag = 0xaa55;
constexpr uint32_t kHeaderMagic = 0x53726448;
constexpr uint16_t kProtocolVersion = 0x020f;
constexpr uint32_t kKernelAlignment = 0x1000000;
constexpr uint32_t kCommandLineLimit = 2047;  // COMMAND_LINE_SIZE of x86, less the zero

}  // namespace

StartState load_linux_elf(GuestMemory& memory, const BootInputs& inputs) {
  const ElfFile elf(inputs.kernel);
  const Gpa end = elf.load(memory);

  // The file holds no setup header; this is what a bzImage's would say.
  boot_params params = make_boot_params(memory.size(), inputs.rsdp);
  params.hdr.boot_flag = kBootFlag;
  params.hdr.header = kHeaderMagic;
  params.hdr.version = kProtocolVersion;
  params.hdr.loadflags = LOADED_HIGH;
  params.hdr.kernel_alignment = kKernelAlignment;
  params.hdr.cmdline_size = kCommandLineLimit;
  params.hdr.initrd_addr_max = kInitrdAddressMax;
  finish_boot_params(memory, inputs, {end.raw(), kCommandLineLimit}, params);
  return {.eip = static_cast<uint32_t>(elf.entry()), .esi = static_cast<uint32_t>(kLinuxBootParams.raw())};
}

}  // namespace ring1::vmm
